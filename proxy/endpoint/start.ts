import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { listenError } from '../../domain/kernel/listen-errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer } from '../../domain/mcp/link.ts'
import type { InspectorLimits } from '../inspector/limits.ts'
import type { CallRecord } from '../session/client-request.ts'
import { defaultSessionLimits, type SessionLimits } from '../session/limits.ts'
import { defaultListTtl, type ListTtl } from '../session/lists.ts'
import { EventStore } from './event-store.ts'
import { type Doors, doorRefusal, doorsOf } from './headers.ts'
import { defaultEndpointLimits, type EndpointLimits } from './limits.ts'
import { type ProxyMetrics, proxyMetrics } from './metrics.ts'
import { Sessions } from './open-sessions.ts'
import { type ProjectEndpoint, type ProjectHandler, projectHandler } from './project-handler.ts'
import { refusal, refuse } from './refusal.ts'

export interface McplocalOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly dialer: LinkDialer
  readonly logger: Logger
  /** mcplocal's own version, for `serverInfo`. */
  readonly version?: string
  /** `Host` headers let in beside the loopback names with our port: `name` or `name:port`. */
  readonly allowedHosts?: readonly string[]
  /** `Origin` headers let in beside the loopback ones with our port, in full. */
  readonly allowedOrigins?: readonly string[]
  readonly limits?: Partial<EndpointLimits>
  readonly sessionLimits?: Partial<SessionLimits>
  readonly listTtl?: Partial<ListTtl>
  readonly inspectorLimits?: Partial<InspectorLimits>
  /** Asked by `/readyz`: why the way to mcpd is closed, or undefined when it is open. */
  readonly notReady?: () => string | undefined
  /** `/metrics` tells of the process, too: memory, handles, the event loop. For one who has a process of his own. */
  readonly processMetrics?: boolean
  /** Every request of a client, when it is over. */
  readonly onCall?: (record: CallRecord) => void
}

export interface Mcplocal {
  /** Without a path: `http://127.0.0.1:3201`. A project's endpoint is `<url>/projects/<name>/mcp`. */
  readonly url: string
  readonly port: number
  /** Sessions that are open. */
  sessions(): number
  /** Takes nothing new, waits for requests under way up to `drainMs`, ends sessions, streams and links. */
  close(): Promise<void>
}

/** How often heartbeats and idle sessions are looked at, at least. */
const MAX_TICK_MS = 5_000
const DRAIN_POLL_MS = 20
const MAX_HEADER_BYTES = 16 * 1024
const PROJECT_PATH = /^\/projects\/([^/]+)\/(mcp|sse|messages|inspect)\/?$/

/**
 * Starts the endpoint that agents talk to.
 * @throws CodedError `port-in-use`, `cannot-listen`
 */
export const startMcplocal = async (options: McplocalOptions): Promise<Mcplocal> => {
  const limits = { ...defaultEndpointLimits, ...options.limits }
  const events = new EventStore(limits)
  const sessions = new Sessions({
    dialer: options.dialer,
    logger: options.logger,
    version: options.version ?? '0.0.0',
    limits,
    sessionLimits: { ...defaultSessionLimits, ...options.sessionLimits },
    listTtl: { ...defaultListTtl, ...options.listTtl },
    inspectorLimits: options.inspectorLimits ?? {},
    onCall: (record) => {
      metrics.observe(record)
      // What was sent on mcpd logs, with who called; what was not, only we know of.
      if (record.outcome === 'refused') options.logger.info(record, 'mcp call')
      options.onCall?.(record)
    },
  })
  const metrics = proxyMetrics({ sessions: sessions.store, events, ofProcess: options.processMetrics === true })
  const projects = projectHandler(sessions, events, limits)
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
  })
  server.maxConnections = limits.connections
  const port = await listen(server, options.host, options.port)
  const doors = doorsOf(options.host, port, options.allowedHosts, options.allowedOrigins)
  const requests = { projects, metrics, doors, notReady: options.notReady ?? (() => undefined) }
  server.on('request', (request, response) => dispatch(requests, request, response))
  const tickMs = Math.min(MAX_TICK_MS, limits.heartbeatMs, limits.primeMs)
  const ticker = setInterval(() => sessions.tick(performance.now()), tickMs)
  return {
    url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    port,
    sessions: () => sessions.store.size,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      projects.stop()
      for (let waited = 0; sessions.isAnswering && waited < limits.drainMs; waited += DRAIN_POLL_MS)
        await sleep(DRAIN_POLL_MS)
      clearInterval(ticker)
      sessions.close('mcplocal is stopping')
      server.closeIdleConnections()
      const stragglers = setTimeout(() => server.closeAllConnections(), 10 * DRAIN_POLL_MS)
      await closed
      clearTimeout(stragglers)
    },
  }
}

const listen = (server: Server, host: string, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', (error) => reject(listenError(error, host, port)))
    server.listen({ host, port }, () => {
      const address = server.address()
      server.removeAllListeners('error')
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })

interface Requests {
  readonly projects: ProjectHandler
  readonly metrics: ProxyMetrics
  readonly doors: Doors
  readonly notReady: () => string | undefined
}

const dispatch = (requests: Requests, request: IncomingMessage, response: ServerResponse): void => {
  response.on('error', () => {}) // the client is gone: 'close' says so, too
  const [path = '/'] = (request.url ?? '/').split('?', 1)
  // These two for probes, which come by any address and learn nothing.
  if (path === '/healthz') text(response, 200, 'ok\n')
  else if (path === '/readyz') {
    const reason = requests.notReady()
    text(response, reason === undefined ? 200 : 503, `${reason ?? 'ok'}\n`)
  } else {
    const refused = doorRefusal(request, requests.doors)
    if (refused === undefined) enter(requests, path, request, response)
    else refuse(response, refused)
  }
}

const enter = (requests: Requests, path: string, request: IncomingMessage, response: ServerResponse): void => {
  const { origin } = request.headers
  if (origin !== undefined) allowOrigin(response, origin)
  const [, project, endpoint] = PROJECT_PATH.exec(path) ?? []
  if (project !== undefined && request.method === 'OPTIONS') preflight(response)
  else if (project !== undefined) requests.projects.handle(request, response, project, endpoint as ProjectEndpoint)
  else if (path === '/metrics') void showMetrics(requests.metrics, response)
  else refuse(response, nothingHere)
}

const nothingHere = refusal(404, 'not-found', 'There is nothing here', {
  hint: 'Endpoints are /projects/<name>/mcp, and /projects/<name>/sse for old clients',
})

const text = (response: ServerResponse, status: number, body: string): void => {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(body)
}

const showMetrics = async ({ registry }: ProxyMetrics, response: ServerResponse): Promise<void> => {
  const body = await registry.metrics()
  response.writeHead(200, { 'Content-Type': registry.contentType }).end(body)
}

/** A page whose origin is let in may read what it asked for. */
const allowOrigin = (response: ServerResponse, origin: string): void => {
  response.setHeader('Access-Control-Allow-Origin', origin)
  response.setHeader('Access-Control-Expose-Headers', 'Mcp-Session-Id')
  response.setHeader('Vary', 'Origin')
}

const preflight = (response: ServerResponse): void => {
  response
    .writeHead(204, {
      'Access-Control-Allow-Methods': 'GET, POST, DELETE',
      'Access-Control-Allow-Headers':
        'Authorization, Content-Type, Accept, Mcp-Session-Id, Mcp-Protocol-Version, Last-Event-ID',
      'Access-Control-Max-Age': '600',
    })
    .end()
}
