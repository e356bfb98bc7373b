/** Lets one at a time work on the same thing, in the order they came; different things at once. */
export interface Turns {
  take<T>(name: string, work: () => Promise<T>): Promise<T>
}

export const createTurns = (): Turns => {
  const last = new Map<string, Promise<unknown>>()
  return {
    async take(name, work) {
      const before = last.get(name) ?? Promise.resolve()
      const mine = before.then(work, work)
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
