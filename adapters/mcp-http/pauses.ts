import { type HttpLimits, MIN_RETRY_MS } from './limits.ts'

/**
 * How long to wait before an event stream is opened again, in milliseconds: what its server asked for, or a wait that
 * doubles with each failure in a row. A part of it is chance, so that many do not return at once.
 */
export const pauseBefore = (
  failures: number,
  asked: number | undefined,
  { retryMs, longestRetryMs }: HttpLimits,
  random: () => number,
): number => {
  const backoff = failures === 0 ? 0 : retryMs * 2 ** Math.min(failures - 1, 16)
  const ms = Math.min(longestRetryMs, Math.max(asked ?? retryMs, backoff))
  return Math.max(MIN_RETRY_MS, ms * (0.75 + random() / 4))
}
