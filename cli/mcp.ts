import { CodedError } from '../domain/kernel/errors.ts'
import type { Logger } from '../domain/kernel/logger.ts'
import { CliError, exitCode } from './errors.ts'
import type { Output } from './output/output.ts'
import { ownVersion } from './own-version.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {},
  options: {
    project: { type: 'string', short: 'p', required: true, describe: 'The project', complete: { kind: 'project' } },
    verbose: { type: 'boolean', describe: 'Say more on standard error' },
  },
  examples: [
    ['$0 mcp -p demo', 'speaks MCP on standard input and output; for the configuration of an agent'],
    ['$0 config claude -p demo', 'writes that configuration'],
  ],
  async run({ config, out, streams, signal }, { project, verbose }) {
    const [{ runStdio }, { webSocketDialer }] = await Promise.all([
      import('../proxy/stdio/run-stdio.ts'),
      import('../proxy/link/websocket-dialer.ts'),
    ])
    if (config.token === undefined)
      throw new CliError('unauthenticated', 'nobody is logged in', {
        exit: exitCode.denied,
        hint: 'Log in with "mcpctl login", or set MCPCTL_TOKEN',
      })
    const logger = stderrLogger(out, verbose)
    try {
      await runStdio({
        dialer: webSocketDialer({ server: config.server, logger }),
        project,
        bearer: config.token,
        stdin: streams.stdin,
        stdout: streams.stdout,
        signal,
        logger,
        version: ownVersion(),
      })
    } catch (error) {
      throw error instanceof CodedError ? asCliError(error) : error
    }
    return undefined
  },
})

/** Standard output belongs to MCP. */
const stderrLogger = (out: Output, verbose: boolean): Logger => {
  const write = (level: string) => (fields: object, message: string) => {
    const reason = 'err' in fields && fields.err instanceof Error ? `: ${fields.err.message}` : ''
    out.note(`${level}: ${message}${reason}`)
  }
  const quiet = () => {}
  return {
    debug: verbose ? write('debug') : quiet,
    info: verbose ? write('info') : quiet,
    warn: write('warn'),
    error: write('error'),
  }
}

const asCliError = ({ code, status, message, details }: CodedError): CliError =>
  new CliError(code, message, {
    hint: details.hint,
    exit: status === 401 || status === 403 ? exitCode.denied : status === 503 ? exitCode.unreachable : exitCode.failed,
  })
