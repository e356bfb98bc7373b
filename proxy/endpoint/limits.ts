/** The bounds of the endpoint. Durations in milliseconds, sizes in bytes. */
export interface EndpointLimits {
  /** Most sessions at once, those being opened included; and of one caller, that is with one bearer. */
  readonly sessions: number
  readonly sessionsOfCaller: number
  /** Most connections at once; more are not taken. */
  readonly connections: number
  /** How long a session is kept that has no stream open and no request under way. */
  readonly idleMs: number
  /** How long such a session is safe from making room for a new one when all are taken. */
  readonly yieldMs: number
  /** Largest body of a request. */
  readonly bodyBytes: number
  /** How long a client may take to send a request's headers, and all of it. */
  readonly headersMs: number
  readonly requestMs: number
  /** How long a connection without a request is kept. Longer than clients keep theirs, so that it is they who end it. */
  readonly keepAliveMs: number
  /** How long a client may leave what it was sent unread, and how much of a stream. Then it is cut off. */
  readonly stallMs: number
  readonly streamBytes: number
  /** How long a stream may be silent before a comment shows that it lives; how long an answer may take before it becomes a stream. */
  readonly heartbeatMs: number
  /** The same for a client that can then come back to it if the connection breaks (revision 2025-11-25). */
  readonly primeMs: number
  /** How long such a client is told to wait before it comes back. */
  readonly retryMs: number
  /** How long one connection carries the stream of an answer; such a client is sent away then, to come back. */
  readonly streamMs: number
  /** How long a stream without a connection is kept for its client, and how many of them of one session. */
  readonly resumeMs: number
  readonly keptStreams: number
  /** How much of what was sent is kept for clients that come back, of one session and of all. The oldest goes first, answers last. */
  readonly keptEvents: number
  readonly keptBytes: number
  readonly allKeptEvents: number
  readonly allKeptBytes: number
  /** Streams (GET) of one session; beyond that the oldest ends. */
  readonly streams: number
  /** Messages, and their size, that wait for a client that has no stream open; more are not taken. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** How long requests under way may take when the endpoint closes. */
  readonly drainMs: number
}

export const defaultEndpointLimits: EndpointLimits = {
  sessions: 1_000,
  sessionsOfCaller: 500,
  connections: 4_096,
  idleMs: 30 * 60_000,
  yieldMs: 60_000,
  bodyBytes: 4 * 1024 * 1024,
  headersMs: 10_000,
  requestMs: 60_000,
  keepAliveMs: 75_000,
  stallMs: 30_000,
  streamBytes: 16 * 1024 * 1024,
  heartbeatMs: 15_000,
  primeMs: 1_000,
  retryMs: 1_000,
  streamMs: 30 * 60_000,
  resumeMs: 5 * 60_000,
  keptStreams: 256,
  keptEvents: 1_000,
  keptBytes: 4 * 1024 * 1024,
  allKeptEvents: 100_000,
  allKeptBytes: 64 * 1024 * 1024,
  streams: 4,
  queuedMessages: 100,
  queuedBytes: 1024 * 1024,
  drainMs: 5_000,
}
