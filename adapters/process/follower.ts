import type { LogLine } from '../../domain/instance/runtime.ts'

/** Lines that wait for a reader of a followed log; a slower one misses lines and is told how many. */
export const MAX_FOLLOW_QUEUE = 10_000

export interface Follower {
  push(lines: readonly LogLine[]): void
  /** The log is gone or closed: what waits is still delivered. */
  end(): void
  /** Lines as they come, until the end or the abort of `signal`. */
  lines(signal: AbortSignal | undefined): AsyncGenerator<LogLine>
}

/** A bounded queue from the writer of a log to one of its readers. */
export const follower = (): Follower => {
  let queue: LogLine[] = []
  let missed = 0
  let ended = false
  let wake = () => {}

  const take = (): LogLine[] => {
    const lines = queue
    const at = lines.at(-1)?.at
    if (missed > 0 && at !== undefined)
      lines.push({ at, source: 'mcpd', line: `[${missed} lines missed by a slow reader]` })
    queue = []
    missed = 0
    return lines
  }

  return {
    push(lines) {
      const room = MAX_FOLLOW_QUEUE - queue.length
      queue.push(...(lines.length > room ? lines.slice(0, room) : lines))
      missed += Math.max(0, lines.length - room)
      wake()
    },
    end() {
      ended = true
      wake()
    },
    async *lines(signal) {
      const onAbort = () => wake()
      signal?.addEventListener('abort', onAbort)
      try {
        while (!signal?.aborted) {
          for (const line of take()) {
            if (signal?.aborted) return
            yield line
          }
          if (ended && queue.length === 0) return
          if (queue.length > 0 || signal?.aborted) continue
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
  }
}
