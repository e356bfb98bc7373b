/** The world's time and chance, passed in so that decisions can be replayed and tests need not wait. */
export interface Clock {
  /** Now, as the machine's clock has it: it may jump. */
  now(): Date
}

export const systemClock: Clock = { now: () => new Date() }

/** Makes UUIDs. `crypto.randomUUID` in programs, a counter in tests. */
export type NewId = () => string
