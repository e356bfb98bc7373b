/** The bounds of the inspector. Sizes in bytes of JSON text. */
export interface InspectorLimits {
  /** Most watchers of this mcplocal. */
  readonly watchers: number
  /** Most messages, and their size, that are kept for a watcher that joins others. */
  readonly ringMessages: number
  readonly ringBytes: number
  /** What of a larger message is not shown. */
  readonly messageBytes: number
  /** How much may wait for a watcher before messages are left out for it. */
  readonly watcherBytes: number
  /** Most requests of one session whose answers are waited for, to be matched with them; the oldest is forgotten. */
  readonly pending: number
}

export const defaultInspectorLimits: InspectorLimits = {
  watchers: 16,
  ringMessages: 1_000,
  ringBytes: 2 * 1024 * 1024,
  messageBytes: 128 * 1024,
  watcherBytes: 4 * 1024 * 1024,
  pending: 1_024,
}
