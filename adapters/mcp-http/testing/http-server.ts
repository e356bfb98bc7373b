import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { JsonObject } from '../../../domain/kernel/json.ts'

/** One request as a test's server got it. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  /** Parsed; undefined without a body. */
  readonly message:
    | { readonly id?: string | number; readonly method?: string; readonly params?: JsonObject }
    | undefined
}

export interface TestServer {
  readonly url: URL
  /** All requests, in their order. */
  readonly asked: readonly Asked[]
  /** What a handler has left open. */
  readonly open: ReadonlySet<ServerResponse>
  connections(): Promise<number>
  close(): Promise<void>
}

export type Handler = (asked: Asked, answer: ServerResponse) => void

export interface ServerPart {
  readonly tls?: { readonly key: string; readonly cert: string }
  readonly path?: string
  readonly host?: string
}

/** A server that answers as its test says. The handler may leave answers open: they end with the server. */
export const startServer = async (
  handler: Handler,
  { tls, path = '/mcp', host = '127.0.0.1' }: ServerPart = {},
): Promise<TestServer> => {
  const asked: Asked[] = []
  const open = new Set<ServerResponse>()
  const listener: RequestListener = async (request, answer) => {
    open.add(answer)
    answer.on('close', () => open.delete(answer))
    let body = ''
    for await (const chunk of request) body += chunk
    const { method = '', url = '', headers } = request
    const each = { method, path: url, headers, message: body === '' ? undefined : JSON.parse(body) }
    asked.push(each)
    handler(each, answer)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  server.listen(0, host)
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    url: new URL(
      path,
      `${tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    ),
    asked,
    open,
    connections: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export const json = (
  answer: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void => {
  answer.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

export const events = (answer: ServerResponse): ServerResponse => {
  answer.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
  return answer
}

/** One event as text. */
export const event = (message: unknown, fields = ''): string => `${fields}data: ${JSON.stringify(message)}\n\n`

export const INITIALIZED: JsonObject = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'scripted', version: '1' },
}

export const result = (asked: Asked, value: JsonObject = {}): JsonObject => ({
  jsonrpc: '2.0',
  id: asked.message?.id,
  result: value,
})

export const SESSION = 'session-4711-of-the-test'

/** Begins sessions as a well-behaved server does; everything else is for `handler`. Without a stream of its own. */
export const mcp =
  (handler: Handler): Handler =>
  (asked, answer) => {
    if (asked.message?.method === 'initialize')
      json(answer, result(asked, INITIALIZED), 200, { 'mcp-session-id': SESSION })
    else if (asked.message?.method === 'notifications/initialized') answer.writeHead(202).end()
    else if (asked.method === 'GET' && asked.headers['last-event-id'] === undefined) answer.writeHead(405).end()
    else if (asked.method === 'DELETE') answer.writeHead(200).end()
    else handler(asked, answer)
  }
