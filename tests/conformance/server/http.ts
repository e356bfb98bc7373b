import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Server as McpServer } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { keptEvents } from './kept-events.ts'

/** When clients shall ask for what they missed after their stream was closed. */
const RETRY_MS = 500

const refuse = (response: ServerResponse, status: number, message: string): void => {
  response
    .writeHead(status, { 'Content-Type': 'application/json' })
    .end(JSON.stringify({ jsonrpc: '2.0', id: null, error: { code: -32000, message } }))
}

/** A page in a browser must not reach this server under a name of its own. */
const isLocal = ({ headers: { host = '', origin } }: IncomingMessage): boolean => {
  const local = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/
  return local.test(host) && (origin === undefined || local.test(origin.replace(/^http:\/\//, '')))
}

/** What was agreed on counts. Release 0.1.16 of the suite names another revision later on, which the SDK would go by. */
const atRevision = ({ rawHeaders }: IncomingMessage, revision: string): void => {
  for (let at = 0; at < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() === 'mcp-protocol-version') rawHeaders[at + 1] = revision
}

interface Session {
  readonly transport: StreamableHTTPServerTransport
  /** What was agreed on. */
  revision?: string
}

/** Serves MCP over Streamable HTTP at any path, with sessions that can be resumed. */
export const conformanceOverHttp = (create: () => McpServer): Server => {
  const sessions = new Map<string, Session>()
  const opened = async (): Promise<Session> => {
    const events = keptEvents()
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: {
        ...events,
        storeEvent(stream, message) {
          if ('result' in message && typeof message.result.protocolVersion === 'string')
            session.revision = message.result.protocolVersion
          return events.storeEvent(stream, message)
        },
      },
      retryInterval: RETRY_MS,
      onsessioninitialized: (id) => void sessions.set(id, session),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const session: Session = { transport }
    // The SDK's transport does not fit its own interface under exactOptionalPropertyTypes.
    await create().connect(transport as Parameters<McpServer['connect']>[0])
    return session
  }
  return createServer((request, response) => {
    const id = request.headers['mcp-session-id']
    const known = typeof id === 'string' ? sessions.get(id) : undefined
    if (!isLocal(request)) refuse(response, 403, 'Forbidden')
    else if (id !== undefined && known === undefined) refuse(response, 404, 'Session not found')
    else
      Promise.resolve(known ?? opened())
        .then(({ transport, revision }) => {
          if (revision !== undefined) atRevision(request, revision)
          return transport.handleRequest(request, response)
        })
        .catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))))
  })
}
