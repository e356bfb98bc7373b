import type { JsonObject } from '../../domain/kernel/json.ts'
import { type RpcError, rpcCode } from '../../domain/mcp/rpc.ts'

/** Why a message got no answer of the server. */
export interface Failure {
  /** Stable word for it: `data.code` of the error that its sender gets. */
  readonly code: string
  /** What happened, in one sentence without its dot. No header's value, no query of a URL. */
  readonly reason: string
  /** What a person can do about it. */
  readonly hint?: string
  /** Whether the call may have run all the same. */
  readonly ran: 'no' | 'unknown'
  /** More of `data`: `status`, `retryAfter` in seconds, `location`. */
  readonly details?: JsonObject
}

export class HttpFailure extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.reason)
    this.name = 'HttpFailure'
    this.failure = failure
  }
}

const RAN = {
  no: 'The call did not run.',
  unknown: 'The call may have run. It is not repeated automatically.',
}

/** The JSON-RPC error that the sender of a request gets. */
export const rpcErrorOf = ({ code, reason, hint, ran, details }: Failure): RpcError => ({
  code: code === 'server-timeout' ? rpcCode.timeout : rpcCode.unreachable,
  message: reason,
  data: { code, reason, ...details, hint: hint === undefined ? RAN[ran] : `${hint} ${RAN[ran]}` },
})

/** What a URL may be called in messages: its query may hold credentials. */
export const placeOf = ({ origin, pathname }: URL): string => `${origin}${pathname}`

export const tooManyOpen = (limit: number): Failure => ({
  code: 'too-many-requests',
  reason: `More than ${limit} requests to this server are under way`,
  hint: 'Wait for answers before sending more.',
  ran: 'no',
})

export const sessionOver = (reason: string, ran: Failure['ran']): Failure => ({
  code: 'server-ended',
  reason: `The session with the server ended while the call was under way: ${reason}`,
  ran,
})

export const sessionForgotten = (status: number, said: string): Failure => ({
  code: 'session-forgotten',
  reason: `The server does not know the session any more (HTTP ${status})${said}`,
  hint: 'It was started anew, or ended the session by itself; a new session is begun.',
  ran: 'no',
  details: { status },
})

export const tooLarge = (limit: number): Failure => ({
  code: 'answer-too-large',
  reason: `The server sent a message longer than ${limit} bytes`,
  ran: 'unknown',
})

export const noAnswer = (what: string): Failure => ({
  code: 'no-answer',
  reason: `The server took the request and did not answer it: ${what}`,
  ran: 'unknown',
})

export const silent = (ms: number): Failure => ({
  code: 'server-timeout',
  reason: `The server began its answer and then sent nothing for ${ms / 1000} s`,
  ran: 'unknown',
})

/** A redirect that is not followed. `location` has no query. */
export const redirected = (status: number, location: string, why: string): Failure => ({
  code: 'server-moved',
  reason: `The server sends requests elsewhere (HTTP ${status}): to ${location}. That is not followed: ${why}`,
  hint: 'If that is its place, give it as the URL.',
  ran: 'no',
  details: { status, location },
})

export const unusableSessionId: Failure = {
  code: 'no-answer',
  reason: 'The server gave a session id that HTTP cannot send back',
  ran: 'unknown',
}

export const noEventStream = (mediaType: string): Failure => ({
  code: 'wrong-endpoint',
  reason: `The server sent ${mediaType === '' ? 'nothing' : JSON.stringify(mediaType.slice(0, 64))} instead of a stream of events`,
  hint: 'Look at the path of the URL; a server of today needs transport: STREAMABLE_HTTP.',
  ran: 'no',
})

export const noEndpoint: Failure = {
  code: 'wrong-endpoint',
  reason: 'The event stream of the server does not name where messages go (its event "endpoint")',
  hint: 'A server of today needs transport: STREAMABLE_HTTP.',
  ran: 'no',
}

export const foreignEndpoint = (location: string): Failure => ({
  code: 'server-moved',
  reason: `The server wants messages at ${location}, which is another origin, and headers may hold credentials`,
  hint: 'If that is its place, give the URL of its event stream there.',
  ran: 'no',
  details: { location },
})
