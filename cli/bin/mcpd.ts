#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { createLogger } from './logger.ts'
import { mcpdConfig } from './mcpd-config.ts'
import { startMcpd } from './mcpd-system.ts'
import { exitOn, failed } from './process-end.ts'
import { version } from './version.ts'

const HELP = `mcpd ${version}: the daemon of mcpctl

Usage: mcpd [flags]

Flags:
  --data-folder PATH   what mcpd keeps: log, keys, packages, logs of servers   (~/.mcpctl/data, MCPCTL_DATA_FOLDER)
  --host ADDRESS       address to listen on                                    (127.0.0.1, MCPD_HOST)
  --port PORT          port to listen on                                       (3100, MCPD_PORT)
  --templates FOLDER   template files of your own, beside those of mcpctl; repeatable   (MCPD_TEMPLATES, separated by ":")
  --issue-admin-token  make a new administrator's token, print it, and end
  --version, --help

Environment:
  EVENTSTORE_URL               esdb://…: the log is kept in EventStoreDB instead of the data folder
  DATABASE_URL                 postgres://…: the read models are kept in Postgres instead of the data folder
  DATABASE_PASSWORD_FILE       a file with the database's password
  MCPD_ADVERTISE_URL           http://…: where other mcpd on the same EventStoreDB reach this one (where it listens)
  MCPD_LEASE_SECONDS           after so long without a sign of life, another mcpd runs the servers of this one   (15)
  MCPCTL_MASTER_KEY            base64 or hex of 32 bytes; or MCPCTL_MASTER_KEY_FILE: a file (0600) with it
  MCPCTL_BOOTSTRAP_TOKEN_FILE  a file with the first administrator's token, instead of one that mcpd makes and prints
  LOG_LEVEL                    debug, info, warn, error                         (info)

Exit codes: 0 ended by SIGTERM or SIGINT, 1 could not start or failed, 2 wrong usage
`

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      'data-folder': { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      templates: { type: 'string', multiple: true },
      'issue-admin-token': { type: 'boolean' },
      version: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) return void process.stdout.write(HELP)
  if (values.version === true) return void process.stdout.write(`${version}\n`)
  const { 'data-folder': dataFolder, host, port, templates = [] } = values
  const env = port === undefined ? process.env : { ...process.env, MCPD_PORT: port }
  const config = await mcpdConfig(
    { templates, ...(dataFolder === undefined ? {} : { dataFolder }), ...(host === undefined ? {} : { host }) },
    env,
  )
  const logger = createLogger('mcpd')
  const once = values['issue-admin-token'] === true
  const starting = startMcpd(once ? { ...config, host: '127.0.0.1', port: 0 } : config, logger)
  exitOn(['SIGTERM', 'SIGINT'], () => starting.then((started) => started.close()), logger)
  const mcpd = await starting
  if (once) {
    process.stdout.write(`${mcpd.firstToken ?? (await mcpd.issueAdminToken('issued on the command line'))}\n`)
    await mcpd.close()
    return
  }
  // On stderr and not through the logger: shown once, kept nowhere.
  if (mcpd.firstToken !== undefined && config.bootstrapTokenFile === undefined)
    process.stderr.write(
      `\nThe administrator's token, shown this once:\n\n    ${mcpd.firstToken}\n\nLog in with: mcpctl login --server ${mcpd.url} --token-stdin\n\n`,
    )
  // Last: whoever waits for this line has read the token.
  logger.info({ url: mcpd.url, version, dataFolder: config.dataFolder }, 'mcpd is ready')
}

main().catch((error: unknown) => failed('mcpd', error))
