import type { EventStoreDBClient } from '@eventstore/db-client'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import { pause } from '../../domain/kernel/pause.ts'
import { pauseAfter, throwIfAborted } from './backoff.ts'
import type { Clients } from './clients.ts'
import { describeFailure, isPassing, spoilsClient, TimedOut, translateFailure } from './failures.ts'

export interface AttemptOptions {
  /** For all attempts together, in ms. */
  readonly deadlineMs: number
  /**
   * For the first of them, in ms; each later one gets twice as long. An answer that was lost is asked for again long
   * before the deadline: the server drops a repeat in silence when the append it repeats is still under way.
   */
  readonly attemptMs: number
  readonly signals: readonly AbortSignal[]
}

/** Waits for `work` so long at most. What comes of it later is nobody's business, a failure included. */
const within = <Result>(work: Promise<Result>, ms: number, signals: readonly AbortSignal[]): Promise<Result> =>
  new Promise((resolve, reject) => {
    const settle = (act: () => void): void => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', onAbort)
      act()
    }
    const onAbort = (): void => settle(() => reject(signals.find(({ aborted }) => aborted)?.reason))
    const timer = setTimeout(() => settle(() => reject(new TimedOut(ms))), ms)
    for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true })
    work.then(
      (result) => settle(() => resolve(result)),
      (error: unknown) => settle(() => reject(error)),
    )
  })

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
    if (failures > 0) await pause(Math.min(pauseAfter(failures), left), ...signals)
    throwIfAborted(signals)
    const lease = clients.lease()
    const budget = Math.max(1, Math.min(attemptMs * 2 ** failures, until - performance.now()))
    try {
      return await within(run(lease.client, budget), budget, signals)
    } catch (error) {
      throwIfAborted(signals)
      if (spoilsClient(error)) clients.renew(lease.client)
      if (!isPassing(error)) throw translateFailure(error)
      last = error
    } finally {
      lease.release()
    }
  }
}
