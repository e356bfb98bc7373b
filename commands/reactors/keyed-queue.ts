/** Runs one piece of work a key at a time, and at most `concurrency` keys at once; work that is asked for again while it runs is run once more, not twice. */
export interface KeyedQueue {
  /** Asks for the work of a key. Never throws; the work's own errors go to `onError`. */
  add(key: string): void
  /** Resolves when nothing waits or runs. */
  idle(): Promise<void>
}

/**
 * @example
 * const queue = createKeyedQueue({ concurrency: 4, work: reconcile, onError: retryLater })
 * queue.add('github')
 */
export const createKeyedQueue = (options: {
  readonly concurrency: number
  readonly work: (key: string) => Promise<void>
  readonly onError: (key: string, error: unknown) => void
}): KeyedQueue => {
  const waiting = new Set<string>()
  const running = new Set<string>()
  let idleWaiters: (() => void)[] = []

  const next = (): void => {
    for (const key of waiting) {
      if (running.size >= options.concurrency) return
      if (running.has(key)) continue
      waiting.delete(key)
      running.add(key)
      void run(key)
    }
    if (waiting.size > 0 || running.size > 0) return
    const done = idleWaiters
    idleWaiters = []
    for (const wake of done) wake()
  }

  const run = async (key: string): Promise<void> => {
    try {
      await options.work(key)
    } catch (error) {
      options.onError(key, error)
    } finally {
      running.delete(key)
      next()
    }
  }

  return {
    add(key) {
      waiting.add(key)
      next()
    },
    idle: () =>
      waiting.size === 0 && running.size === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idleWaiters.push(resolve)
          }),
  }
}
