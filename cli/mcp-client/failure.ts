import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { neutralLine } from '../output/neutral.ts'

/** What went wrong with an MCP endpoint, by whose fault it is. */
export type FailureKind =
  /** Nobody is there, or the connection broke. */
  | 'unreachable'
  /** 401 and 403. */
  | 'denied'
  /** Any other HTTP status, or an answer that is no MCP. */
  | 'refused'
  | 'timeout'
  /** It answered with a JSON-RPC error. */
  | 'error'
  /** Its answer is not what MCP says an answer is. */
  | 'malformed'

interface Details {
  readonly status?: number
  /** `data.code` of the JSON-RPC error: mcplocal's own word for it. */
  readonly code?: string | undefined
  readonly hint?: string | undefined
  /** A JSON-RPC error came: whoever answered speaks MCP. */
  readonly speaksMcp?: boolean
  readonly cause?: unknown
}

/** A failure of an MCP endpoint, in one line. */
export class McpFailure extends Error {
  readonly kind: FailureKind
  readonly status: number | undefined
  readonly code: string | undefined
  readonly hint: string | undefined
  readonly speaksMcp: boolean

  constructor(kind: FailureKind, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'McpFailure'
    this.kind = kind
    this.status = details.status
    this.code = details.code
    this.hint = details.hint
    this.speaksMcp = details.speaksMcp ?? false
  }
}

/** Longest piece of a foreign answer that a message quotes. */
const MAX_QUOTED = 200

/** The failure that an HTTP answer without success is; its body is the JSON-RPC error that clients show, or a problem document, if it is one. */
export const refusalOf = (status: number, body: string): McpFailure => {
  const kind = status === 401 || status === 403 ? 'denied' : 'refused'
  const answered = objectIn(body)
  const error = rpcErrorIn(answered)
  if (error === undefined) {
    const text = [answered.detail, answered.title, body].find((each) => typeof each === 'string') ?? ''
    return new McpFailure(kind, `it answers with HTTP ${status}${text.trim() === '' ? '' : `: ${quoted(text)}`}`, {
      status,
    })
  }
  return new McpFailure(kind, quoted(error.message), { ...error, status, speaksMcp: true })
}

/** Whatever the SDK, `fetch` or a parser has thrown, as a failure. */
export const failureOf = (error: unknown): McpFailure => {
  if (error instanceof McpFailure) return error
  if (!(error instanceof Error)) return new McpFailure('refused', String(error))
  if (error.message === 'fetch failed' || error.message === 'terminated') return unreachable(error)
  if (error instanceof SyntaxError)
    return new McpFailure('malformed', 'what it answers is no JSON', { speaksMcp: true, cause: error })
  if ('issues' in error && Array.isArray(error.issues)) return malformed(error.issues[0], error)
  const code = 'code' in error ? error.code : undefined
  if (error.name === 'McpError' && typeof code === 'number') return rpcFailure(error, code)
  if (/protocol version is not supported/.test(error.message))
    return new McpFailure('malformed', quoted(error.message), { speaksMcp: true })
  const status = typeof code === 'number' && code > 0 ? { status: code } : {}
  const kind = code === 401 || code === 403 ? 'denied' : 'refused'
  return new McpFailure(kind, quoted(error.message.replace(/^(Streamable HTTP|SSE) error: /, '')), {
    ...status,
    cause: error,
  })
}

/** -32001 is also what servers send; the SDK's own has how long it waited. */
const REQUEST_TIMEOUT = -32001
/** Also what mcplocal sends, with a code of its own; the SDK's own has none. */
const CONNECTION_CLOSED = -32000

const rpcFailure = (error: Error, code: number): McpFailure => {
  const data = 'data' in error && isObject(error.data) ? error.data : {}
  if (code === REQUEST_TIMEOUT && typeof data.timeout === 'number')
    return new McpFailure('timeout', `no answer within ${data.timeout / 1000} s`)
  const message = quoted(error.message.replace(/^MCP error -?\d+: /, ''))
  if (code === CONNECTION_CLOSED && message === 'Connection closed')
    return new McpFailure('unreachable', 'the connection was closed')
  return new McpFailure('error', message === '' ? `error ${code}` : message, { ...own(data), speaksMcp: true })
}

const malformed = (issue: unknown, cause: Error): McpFailure => {
  const { path, message } = isObject(issue) ? issue : {}
  const where = Array.isArray(path) && path.length > 0 ? `${path.join('.')}: ` : ''
  const what = quoted(`${where}${typeof message === 'string' ? message : 'it does not fit'}`)
  return new McpFailure('malformed', `its answer is not what MCP says: ${what}`, { speaksMcp: true, cause })
}

const WHY: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ENOTFOUND: 'its host is not known',
  EAI_AGAIN: 'its host cannot be looked up now',
  ECONNRESET: 'the connection broke',
  UND_ERR_SOCKET: 'the connection broke',
  UND_ERR_CONNECT_TIMEOUT: 'it does not answer',
  UND_ERR_HEADERS_TIMEOUT: 'it does not answer',
}

const unreachable = (error: Error): McpFailure => {
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : 'the request failed'
  return new McpFailure('unreachable', WHY[code] ?? quoted(reason), { cause: error })
}

const rpcErrorIn = ({ error }: JsonObject): (Details & { readonly message: string }) | undefined => {
  if (!isObject(error) || typeof error.message !== 'string') return undefined
  return { message: error.message, ...(isObject(error.data) ? own(error.data) : {}) }
}

const objectIn = (body: string): JsonObject => {
  try {
    const value: unknown = JSON.parse(body)
    return isObject(value) ? value : {}
  } catch {
    return {} // a page, or nothing
  }
}

const own = ({ code, hint }: { readonly code?: unknown; readonly hint?: unknown }): Details => ({
  ...(typeof code === 'string' ? { code } : {}),
  ...(typeof hint === 'string' ? { hint } : {}),
})

const quoted = (text: string): string => {
  const line = neutralLine(text.trim().replace(/\s+/g, ' '))
  return line.length > MAX_QUOTED ? `${line.slice(0, MAX_QUOTED - 1)}…` : line
}
