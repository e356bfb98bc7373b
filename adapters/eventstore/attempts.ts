import type { EventStoreDBClient } from '@eventstore/db-client'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import { pause, pauseAfter, throwIfAborted } from './backoff.ts'
import type { Clients } from './clients.ts'
import { describeFailure, isPassing, spoilsClient, TimedOut, translateFailure } from './failures.ts'

export interface AttemptOptions {
  /** For all attempts together, in ms. */
  readonly deadlineMs: number
  /** For each of them, in ms: an answer that was lost is asked for again long before the deadline. */
  readonly attemptMs: number
  readonly signals: readonly AbortSignal[]
}

/** Waits for `work` so long at most. What comes of it later is nobody's business, a failure included. */
const within = async <Result>(work: Promise<Result>, ms: number, signals: readonly AbortSignal[]): Promise<Result> => {
  const settled = new AbortController()
  work.catch(() => undefined)
  try {
    const waited = pause(ms, [...signals, settled.signal]).then((): Result => {
      throwIfAborted(signals)
      throw new TimedOut(ms)
    })
    waited.catch(() => undefined)
    return await Promise.race([work, waited])
  } finally {
    settled.abort()
  }
}

/**
 * Does something that can be repeated without harm, again and again while it fails in passing, until the deadline.
 * @throws LogUnavailable after the deadline; a signal's reason; whatever is not passing, as the client threw it, unless
 *   it says that access is refused.
 */
export const persistently = async <Result>(
  clients: Clients,
  { deadlineMs, attemptMs, signals }: AttemptOptions,
  run: (client: EventStoreDBClient, attemptMs: number) => Promise<Result>,
): Promise<Result> => {
  const until = performance.now() + deadlineMs
  let last: unknown = new TimedOut(deadlineMs)
  for (let failures = 0; ; failures += 1) {
    throwIfAborted(signals)
    const left = until - performance.now()
    if (left <= 0) throw logUnavailable(`${describeFailure(last)} (tried for ${deadlineMs / 1000} s)`)
    if (failures > 0) await pause(Math.min(pauseAfter(failures), left), signals)
    throwIfAborted(signals)
    const lease = clients.lease()
    const budget = Math.max(1, Math.min(attemptMs, until - performance.now()))
    try {
      const work = run(lease.client, budget)
      work.then(lease.release, lease.release)
      return await within(work, budget, signals)
    } catch (error) {
      throwIfAborted(signals)
      if (spoilsClient(error)) clients.renew(lease.client)
      if (!isPassing(error)) throw translateFailure(error)
      last = error
    }
  }
}
