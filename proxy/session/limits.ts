/** The bounds of one client session. Durations in milliseconds. */
export interface SessionLimits {
  /** How long a server may take for one request, counted again from each progress notification. */
  readonly callMs: number
  /** How long a server may take for one of its lists, all pages of it; then the list goes without that server. */
  readonly listMs: number
  /** How long the client waits for a list of a server that has never listed anything. It has all of `listMs` still to come later. */
  readonly firstListMs: number
  /** How long a link may take to open and say what the project is. */
  readonly openMs: number
  /** How long a call waits for a link that is being opened again. */
  readonly linkWaitMs: number
  /** Waits between attempts to open a link again: doubled from the first to the last, with jitter. */
  readonly redialFirstMs: number
  readonly redialLastMs: number
  /** How long changes of lists are gathered before the client is told once. */
  readonly listChangedMs: number
  /** Most requests of the client, and most of servers to the client, under way at once. */
  readonly requests: number
  /** Most resource subscriptions remembered for when the link is opened again. */
  readonly subscriptions: number
}

export const defaultSessionLimits: SessionLimits = {
  callMs: 10 * 60_000,
  listMs: 10_000,
  firstListMs: 3_000,
  openMs: 10_000,
  linkWaitMs: 5_000,
  redialFirstMs: 100,
  redialLastMs: 10_000,
  listChangedMs: 50,
  requests: 256,
  subscriptions: 1_000,
}
