/** A program that ends earlier than this after its start has failed to start. */
export const MIN_UPTIME_MS = 60_000

const LONGEST_MS = 300_000

/**
 * Whether an attempt planned for `at` is due. One that lies further ahead than any wait there is was planned before the clock was set back.
 */
export const isRetryDue = (at: string, now: Date): boolean => {
  const wait = Date.parse(at) - now.getTime()
  return wait <= 0 || wait > LONGEST_MS
}

/** Wait before the attempt that follows the `failures`-th failed one: 30 s five times, then 5 min. */
export const retryDelayMs = (failures: number): number => (failures <= 5 ? 30_000 : LONGEST_MS)
