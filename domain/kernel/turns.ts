import { settledWithin } from './settled-within.ts'

/** Lets one at a time work on the same thing, in the order they came; different things at once. */
export interface Turns {
  take<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** `patienceMs`: who has waited for so long begins without a turn; for ever if left out. */
export const createTurns = ({ patienceMs }: { readonly patienceMs?: number } = {}): Turns => {
  const last = new Map<string, Promise<void>>()
  const turn = (before: Promise<void>): Promise<unknown> =>
    patienceMs === undefined ? before : settledWithin(before, patienceMs)
  return {
    async take(name, work) {
      const before = last.get(name)
      const mine = before === undefined ? work() : turn(before).then(work)
      // Kept without its outcome: the next one in line does not care, and the caller has it.
      const done = mine.then(
        () => undefined,
        () => undefined,
      )
      last.set(name, done)
      try {
        return await mine
      } finally {
        if (last.get(name) === done) last.delete(name)
      }
    },
  }
}
