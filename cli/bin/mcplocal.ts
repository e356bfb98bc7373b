#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { startMcplocal } from '../../proxy/endpoint/start.ts'
import { webSocketDialer } from '../../proxy/link/websocket-dialer.ts'
import { createLogger } from './logger.ts'
import { mcpdAddress, portOf, secondsOf } from './mcpd-config.ts'
import { exitOn, failed } from './process-end.ts'
import { version } from './version.ts'

const HELP = `mcplocal ${version}: the MCP proxy that agents talk to

Usage: mcplocal [flags]

Flags:
  --server URL          mcpd                                (http://127.0.0.1:3100, MCPCTL_SERVER)
  --host ADDRESS        address to listen on                (127.0.0.1, MCPLOCAL_HOST)
  --port PORT           port to listen on                   (3200, MCPLOCAL_PORT)
  --allow-host NAME     a Host header to accept beside localhost; repeatable
  --allow-origin URL    an Origin header to accept beside localhost; repeatable
  --max-stream SECONDS  how long one connection carries an answer that is long in coming; its client then comes back for
                        it. For a balancer that cuts what takes longer   (1800, MCPLOCAL_MAX_STREAM)
  --session-idle SECONDS  how long a session is kept that its client does not use   (1800, MCPLOCAL_SESSION_IDLE)
  --version, --help

Endpoints: /projects/<name>/mcp (Streamable HTTP) and /projects/<name>/sse (HTTP+SSE, for old clients), with a
           bearer token of mcpd; /healthz, /readyz, /metrics

Exit codes: 0 ended by SIGTERM or SIGINT, 1 could not start or failed, 2 wrong usage
`

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      server: { type: 'string' },
      host: { type: 'string' },
      port: { type: 'string' },
      'allow-host': { type: 'string', multiple: true },
      'allow-origin': { type: 'string', multiple: true },
      'max-stream': { type: 'string' },
      'session-idle': { type: 'string' },
      version: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help === true) return void process.stdout.write(HELP)
  if (values.version === true) return void process.stdout.write(`${version}\n`)
  const env = {
    ...process.env,
    ...(values.port === undefined ? {} : { MCPLOCAL_PORT: values.port }),
    ...(values['max-stream'] === undefined ? {} : { MCPLOCAL_MAX_STREAM: values['max-stream'] }),
    ...(values['session-idle'] === undefined ? {} : { MCPLOCAL_SESSION_IDLE: values['session-idle'] }),
  }
  const streamMs = secondsOf(env, 'MCPLOCAL_MAX_STREAM', MAX_SECONDS)
  const idleMs = secondsOf(env, 'MCPLOCAL_SESSION_IDLE', MAX_SECONDS)
  const server = mcpdAddress(values.server ?? (process.env.MCPCTL_SERVER || 'http://127.0.0.1:3100'))
  const logger = createLogger('mcplocal')
  const mcpd = await watchMcpd(server)
  const mcplocal = await startMcplocal({
    host: values.host ?? process.env.MCPLOCAL_HOST ?? '127.0.0.1',
    port: portOf(env, 'MCPLOCAL_PORT') ?? 3200,
    dialer: webSocketDialer({ server, logger }),
    logger,
    version,
    allowedHosts: values['allow-host'] ?? [],
    allowedOrigins: values['allow-origin'] ?? [],
    notReady: mcpd.trouble,
    limits: { ...(streamMs === undefined ? {} : { streamMs }), ...(idleMs === undefined ? {} : { idleMs }) },
    processMetrics: true,
  })
  logger.info({ url: mcplocal.url, server }, 'mcplocal is ready')
  exitOn(['SIGTERM', 'SIGINT'], () => mcplocal.close(), logger)
}

const MAX_SECONDS = 86_400
const PROBE_MS = 5_000

/** Asks mcpd now and then whether it is there, for `/readyz`. */
const watchMcpd = async (server: string): Promise<{ trouble(): string | undefined }> => {
  let trouble: string | undefined
  const probe = async (): Promise<void> => {
    try {
      const { ok, status } = await fetch(`${server}/healthz`, { signal: AbortSignal.timeout(PROBE_MS / 2) })
      trouble = ok ? undefined : `mcpd at ${server} answers ${status}`
    } catch {
      trouble = `mcpd does not answer at ${server}`
    }
  }
  await probe()
  setInterval(() => void probe(), PROBE_MS).unref()
  return { trouble: () => trouble }
}

main().catch((error: unknown) => failed('mcplocal', error))
