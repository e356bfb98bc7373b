/** Lets one at a time work on the same thing, in the order they came; different things at once. */
export interface Turns {
  take<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** `patienceMs`: who has waited for so long begins without a turn; for ever if left out. */
export const createTurns = ({ patienceMs }: { readonly patienceMs?: number } = {}): Turns => {
  const last = new Map<string, Promise<void>>()
  return {
    async take(name, work) {
      const before = last.get(name)
      const mine = before === undefined ? work() : noLongerThan(before, patienceMs).then(work)
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

const noLongerThan = (turn: Promise<void>, ms: number | undefined): Promise<void> =>
  ms === undefined
    ? turn
    : new Promise((resolve) => {
        const enough = setTimeout(resolve, ms)
        void turn.then(() => {
          clearTimeout(enough)
          resolve()
        })
      })
