import type { ServerResponse } from 'node:http'
import { CodedError } from '../../domain/kernel/errors.ts'
import { type RpcError, type RpcId, rpcCode } from '../../domain/mcp/rpc.ts'
import { type RpcFault, rpcErrorOf } from '../rpc/errors.ts'
import { errorText } from '../rpc/message.ts'

/** What is answered in place of MCP: an HTTP status, and a JSON-RPC error as its body, as clients show that one. */
export interface Refusal {
  readonly status: number
  readonly error: RpcError
  readonly id?: RpcId
  readonly headers?: Readonly<Record<string, string>>
}

export const refusal = (
  status: number,
  code: string,
  message: string,
  details: { hint?: string; headers?: Readonly<Record<string, string>>; rpc?: number } = {},
): Refusal => ({
  status,
  error: {
    code: details.rpc ?? (status < 500 ? rpcCode.invalidRequest : rpcCode.unreachable),
    message,
    data: { code, ...(details.hint === undefined ? {} : { hint: details.hint }) },
  },
  ...(details.headers === undefined ? {} : { headers: details.headers }),
})

export const bearerMissing = refusal(401, 'unauthenticated', 'A bearer token is needed', {
  hint: 'Send "Authorization: Bearer <token>". `mcpctl config` writes it into your client.',
  headers: { 'WWW-Authenticate': 'Bearer' },
})

export const sessionMissing = refusal(400, 'session-missing', 'The header Mcp-Session-Id is missing', {
  hint: 'Send initialize first, then its Mcp-Session-Id with every request',
})

export const sessionIdMissing = refusal(400, 'session-missing', 'The query has no sessionId', {
  hint: 'Send messages to the address that the event "endpoint" of the stream has named',
})

/** The same for a session that never was, that has ended, of another project and of another bearer: nobody learns which. */
export const sessionUnknown = refusal(404, 'session-unknown', 'There is no such session', {
  hint: 'Send initialize to get a new one',
})

/** Not 404: that would end the session for the client. */
export const eventUnknown = (lastEventId: string): Refusal =>
  refusal(400, 'event-unknown', `Nothing is kept that came after event ${JSON.stringify(lastEventId.slice(0, 40))}`, {
    hint: 'Send GET without Last-Event-ID to listen, and a request again if it may be repeated',
  })

/** 503 whether all sessions are taken, or all that one caller may have. */
export const tooManySessions = refusal(503, 'too-many-sessions', 'As many sessions are open as there may be', {
  hint: 'End sessions with DELETE when you are done with them. One token may not have all of them',
  headers: { 'Retry-After': '5' },
})

export const notAcceptable = refusal(
  406,
  'not-acceptable',
  'The client takes neither of the forms that an answer has',
  {
    hint: 'Send "Accept: application/json, text/event-stream", to GET at least the second',
  },
)

export const wrongContentType = refusal(415, 'content-type', 'The body must be application/json', {
  hint: 'Send "Content-Type: application/json"',
})

export const stopping = refusal(503, 'stopping', 'mcplocal is stopping', {
  headers: { 'Retry-After': '2', Connection: 'close' },
})

/** What was thrown for a body that is no message. */
export const faultRefusal = (fault: RpcFault): Refusal => ({
  status: 400,
  error: fault.error,
  ...(fault.id === undefined ? {} : { id: fault.id }),
})

export const methodNotAllowed = (method: string, allowed: string): Refusal =>
  refusal(405, 'method-not-allowed', `${method} is not for this path`, { headers: { Allow: allowed } })

/** What mcpd said when the link was asked for; anything else that is thrown is a bug and says nothing. */
export const refusalOf = (error: unknown): Refusal => {
  if (!(error instanceof CodedError))
    return { status: 500, error: { code: rpcCode.internal, message: 'Internal error', data: { code: 'internal' } } }
  const headers: Record<string, string> = {}
  if (error.status === 401) headers['WWW-Authenticate'] = 'Bearer error="invalid_token"'
  if (error.details.retryAfter !== undefined) headers['Retry-After'] = String(Math.ceil(error.details.retryAfter))
  return { status: error.status, error: rpcErrorOf(error), headers }
}

/** Answers with a refusal. */
export const refuse = (response: ServerResponse, { status, error, id, headers }: Refusal): void => {
  if (response.headersSent || response.destroyed) return
  const body = errorText(error, id ?? null)
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    ...headers,
  })
  response.end(body)
}
