import { MAX_LINE_LENGTH, MAX_STDIN_BUFFER } from '../../domain/instance/runtime.ts'

/** The bounds of one session over HTTP. */
export interface HttpLimits {
  /** Longest message that is taken from a server, in bytes once unpacked. */
  readonly maxMessage: number
  /** Most bytes that may wait to be taken by the server before it counts as not reading. */
  readonly maxWaiting: number
  /** Most calls whose request is under way at the same time; each has a connection. As many other messages besides. */
  readonly maxOpen: number
  /** Until a connection stands, TLS included. */
  readonly connectMs: number
  /** Until the answer to a request begins. A server that answers in JSON begins when it is done, so this bounds a call. */
  readonly answerMs: number
  /** Until everything else is taken: notifications, answers, the old transport's endpoint. */
  readonly acceptMs: number
  /** Longest silence within a JSON answer. */
  readonly silenceMs: number
  /** How long an event stream may stay open after it brought what it was opened for. */
  readonly lingerMs: number
  /** Failures in a row after which an event stream is given up. */
  readonly reconnects: number
  /** The same for the stream of a call that is under way: its caller waits. */
  readonly resumes: number
  /** Wait before the first new attempt; it doubles up to `longestRetryMs`. A server's own `retry` goes before. */
  readonly retryMs: number
  readonly longestRetryMs: number
  /** An event stream that stood this long has not failed when it ends. */
  readonly steadyMs: number
  /** What the end of a session may take to tell the server. */
  readonly goodbyeMs: number
}

export const HTTP_LIMITS: HttpLimits = {
  maxMessage: MAX_LINE_LENGTH,
  maxWaiting: MAX_STDIN_BUFFER,
  maxOpen: 256,
  connectMs: 10_000,
  answerMs: 600_000,
  acceptMs: 30_000,
  silenceMs: 60_000,
  lingerMs: 1_000,
  reconnects: 8,
  resumes: 4,
  retryMs: 1_000,
  longestRetryMs: 30_000,
  steadyMs: 10_000,
  goodbyeMs: 2_000,
}

/** Most redirects that one request follows. */
export const MAX_REDIRECTS = 5
/** How often a call's stream is opened again for its answer, all in all. */
export const MAX_RESUMES = 1000
/** Between attempts to reach a server that is starting. */
export const STARTUP_PAUSE_MS = 200
/** Longest session id that is taken from a server. */
export const MAX_SESSION_ID = 1024
/** Shortest wait before an event stream is opened again, whatever the server's `retry` says. */
export const MIN_RETRY_MS = 50
/** How much of an answer that is no message is quoted, in characters. */
export const MAX_QUOTED = 200
/** How much is read of an answer that refuses, in bytes. */
export const MAX_REFUSAL = 256 * 1024
