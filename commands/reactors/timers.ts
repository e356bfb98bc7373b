import type { Clock } from '../../domain/kernel/clock.ts'

/** One timer a key, for what is due at a time that the state names. Timers are no memory: they are set again from state at every start. */
export interface Timers {
  /** Runs `due` at `at` (ISO 8601; at once when that is past). Replaces the key's timer. */
  set(key: string, at: string, due: () => void): void
  clear(key: string): void
  close(): void
}

/** A clock that jumps is noticed at the latest after this long. */
const LONGEST_WAIT_MS = 60_000

export const createTimers = (clock: Clock): Timers => {
  const timers = new Map<string, NodeJS.Timeout>()
  const arm = (key: string, at: string, due: () => void): void => {
    const wait = Date.parse(at) - clock.now().getTime()
    const timer = setTimeout(
      () => {
        if (wait > LONGEST_WAIT_MS) return arm(key, at, due)
        timers.delete(key)
        due()
      },
      Math.min(Math.max(wait, 0), LONGEST_WAIT_MS),
    )
    timers.set(key, timer)
  }
  const clear = (key: string): void => {
    clearTimeout(timers.get(key))
    timers.delete(key)
  }
  return {
    set(key, at, due) {
      clear(key)
      arm(key, at, due)
    },
    clear,
    close() {
      for (const key of [...timers.keys()]) clear(key)
    },
  }
}
