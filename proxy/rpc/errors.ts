import { distance } from 'fastest-levenshtein'
import type { CodedError } from '../../domain/kernel/errors.ts'
import { type RpcError, rpcCode } from '../../domain/mcp/rpc.ts'

/** A wrong message: thrown where it is parsed, answered where it came from. */
export class RpcFault extends Error {
  readonly error: RpcError
  /** The id of the wrong message, if it had one. */
  readonly id: string | number | undefined

  constructor(error: RpcError, id?: string | number) {
    super(error.message)
    this.name = 'RpcFault'
    this.error = error
    this.id = id
  }
}

export const methodNotFound = (method: string): RpcError => ({
  code: rpcCode.methodNotFound,
  message: `Method not found: ${method}`,
})

export const invalidRequest = (text: string): RpcError => ({
  code: rpcCode.invalidRequest,
  message: `Invalid request: ${text}`,
})

export const invalidParams = (path: string, message: string): RpcError => ({
  code: rpcCode.invalidParams,
  message: `Invalid params: ${path} ${message}`,
  data: { code: 'invalid-params', path },
})

export const serverUnavailable = (server: string, reason: string | undefined): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} is unavailable: ${reason ?? 'it is not running'}`,
  data: { code: 'server-unavailable', server },
})

/** The call was under way when the link broke: whether it ran is not known, so it is not repeated. */
export const linkLost = (reason: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `The connection to mcpd was lost: ${reason}`,
  data: { code: 'link-lost', hint: 'The call may have run. It is not repeated automatically.' },
})

export const linkDown = (): RpcError => ({
  code: rpcCode.unreachable,
  message: 'mcpd is not reachable at the moment',
  data: { code: 'mcpd-unavailable', hint: 'The call did not run. Try again in a few seconds.' },
})

/** In place of an answer whose stream broke before its client had all of it. */
export const notKept = (): RpcError => ({
  code: rpcCode.unreachable,
  message: 'The connection broke, and the answer was too large to be kept',
  data: { code: 'answer-not-kept', hint: 'The call has run. Ask for less at once.' },
})

export const sessionEnded = (reason: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `The session has ended: ${reason}`,
  data: { code: 'session-ended' },
})

export const callTimedOut = (server: string, ms: number): RpcError => ({
  code: rpcCode.timeout,
  message: `Server ${server} did not answer within ${ms} ms`,
  data: { code: 'call-timed-out', server },
})

/** @param retryMs until a call is let through again, to see whether the server answers */
export const circuitOpen = (server: string, retryMs: number): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} did not answer the last requests; it is not asked for the next ${inSeconds(retryMs)}`,
  data: {
    code: 'circuit-open',
    server,
    retryAfterMs: Math.ceil(retryMs),
    hint: 'The call did not run. Try again later; other servers of the project are not concerned.',
  },
})

const inSeconds = (ms: number): string => `${Math.max(1, Math.ceil(ms / 1000))} s`

export const tooManyCalls = (limit: number): RpcError => ({
  code: rpcCode.unreachable,
  message: `More than ${limit} requests of this session are under way`,
  data: { code: 'too-many-requests', hint: 'Wait for answers before sending more.' },
})

export const resourceNotFound = (uri: string): RpcError => ({
  code: rpcCode.resourceNotFound,
  message: `Resource not found: ${uri}`,
  data: { code: 'resource-not-found', uri },
})

/** Most names that a "did you mean" offers, and how much of a name is compared. */
const MAX_SUGGESTIONS = 3
const MAX_COMPARED = 128

/** The names nearest to a mistyped one, nearest first; empty if none is near. */
const nearest = (name: string, known: Iterable<string>): string[] => {
  const wanted = name.slice(0, MAX_COMPARED).toLowerCase()
  const near: { name: string; away: number }[] = []
  for (const candidate of known) {
    const lower = candidate.toLowerCase()
    const partOf = wanted.length > 2 && (lower.includes(wanted) || wanted.includes(lower))
    const away = partOf ? 1 : distance(wanted, lower)
    if (away <= Math.max(2, wanted.length / 3)) near.push({ name: candidate, away })
  }
  near.sort((a, b) => a.away - b.away || (a.name < b.name ? -1 : 1))
  return near.slice(0, MAX_SUGGESTIONS).map((candidate) => candidate.name)
}

/** -32602, as MCP wants it for names that do not exist, with the nearest ones that do. */
export const unknownName = (what: 'tool' | 'prompt', name: string, known: ReadonlyMap<string, unknown>): RpcError => {
  if (known.has(name)) return otherName(what, name)
  const suggestions = nearest(name, known.keys())
  const shown = name.length > MAX_COMPARED ? `${name.slice(0, MAX_COMPARED)}…` : name
  return {
    code: rpcCode.invalidParams,
    message: `Unknown ${what}: ${shown}${suggestions.length === 0 ? '' : `. Did you mean ${suggestions.join(', ')}?`}`,
    data: suggestions.length === 0 ? { code: `unknown-${what}` } : { code: `unknown-${what}`, suggestions },
  }
}

/** What the client knows by this name is gone. To call what has the name now would be to guess. */
const otherName = (what: 'tool' | 'prompt', name: string): RpcError => ({
  code: rpcCode.invalidParams,
  message: `Unknown ${what}: ${name}. It is not offered any more; another ${what} has its name now`,
  data: { code: `unknown-${what}`, hint: `List the ${what}s again to call that.` },
})

/** A coded error as the error of a response. */
export const rpcErrorOf = (error: CodedError): RpcError => ({
  code: error.status < 500 ? rpcCode.invalidRequest : rpcCode.unreachable,
  message: error.message,
  data: {
    code: error.code,
    ...(error.details.hint === undefined ? {} : { hint: error.details.hint }),
  },
})
