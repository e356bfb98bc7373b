/** The bounds of the endpoint. Durations in milliseconds, sizes in bytes. */
export interface EndpointLimits {
  /** Most sessions at once, those being opened included. */
  readonly sessions: number
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
  /** Streams (GET) of one session; beyond that the oldest ends. */
  readonly streams: number
  /** Messages, and their size, that are kept for a client that has no stream open. */
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** How long requests under way may take when the endpoint closes. */
  readonly drainMs: number
}

export const defaultEndpointLimits: EndpointLimits = {
  sessions: 1_000,
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
  streams: 4,
  queuedMessages: 100,
  queuedBytes: 1024 * 1024,
  drainMs: 5_000,
}
