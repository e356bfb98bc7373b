/** A program that ends earlier than this after its start has failed to start. */
export const MIN_UPTIME_MS = 60_000

/** Wait before the attempt that follows the `failures`-th failed one: 30 s five times, then 5 min. */
export const retryDelayMs = (failures: number): number => (failures <= 5 ? 30_000 : 300_000)
