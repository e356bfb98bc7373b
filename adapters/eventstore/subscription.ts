import { type AllStreamResolvedEvent, BACKWARDS, END, excludeSystemEvents, START } from '@eventstore/db-client'
import type { Position, RecordedEvent } from '../../domain/kernel/event.ts'
import type { SubscribeOptions } from '../../domain/kernel/event-log.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { pause } from '../../domain/kernel/pause.ts'
import { type AttemptOptions, persistently } from './attempts.ts'
import { pauseAfter } from './backoff.ts'
import type { Clients } from './clients.ts'
import { describeFailure, isPassing, spoilsClient, translateFailure } from './failures.ts'
import { Inflow } from './inflow.ts'
import { clientPosition, positionOf, toRecorded } from './recorded.ts'

export interface SubscriptionContext {
  readonly clients: Clients
  readonly attempts: Omit<AttemptOptions, 'signals'>
  readonly closing: AbortSignal
  readonly logger: Logger
}

/** Most events in one batch unless asked otherwise. */
const DEFAULT_BATCH = 500
/** Most events the client buffers of one subscription; beyond that the server is made to wait, and cuts us off in the end. */
const LARGEST_BUFFER = 128
/** How many pages of the server's search lie between two of its checkpoints, which are not used here. */
const CHECKPOINT_INTERVAL = 1_000

/**
 * One subscription to the whole log for as long as it is wanted, over as many of the client's as it takes. Those end
 * for good with any error: a server that goes, a connection that breaks, a consumer that is too slow. The next one
 * begins behind the last batch that was handed over, not behind what had merely arrived.
 */
export class Subscription {
  readonly #context: SubscriptionContext
  readonly #signals: readonly AbortSignal[]
  readonly #maxBatch: number
  #after: Position | 'start' | 'end'
  #failures = 0

  constructor(context: SubscriptionContext, { after, signal, maxBatch = DEFAULT_BATCH }: SubscribeOptions) {
    this.#context = context
    this.#signals = [signal, context.closing]
    this.#maxBatch = Math.max(1, maxBatch)
    this.#after = after
  }

  /** See EventLog.subscribe. */
  async *batches(): AsyncGenerator<readonly RecordedEvent[]> {
    while (!this.#stopped()) {
      try {
        if (this.#after === 'end') this.#after = await this.#newest()
        yield* this.#untilFailure()
      } catch (error) {
        if (this.#stopped()) return
        if (!isPassing(error)) this.#complain(error)
        else this.#context.logger.debug({ reason: describeFailure(error) }, 'subscription to EventStoreDB interrupted')
      }
      this.#failures += 1
      await pause(pauseAfter(this.#failures), ...this.#signals)
    }
  }

  #stopped(): boolean {
    return this.#signals.some((signal) => signal.aborted)
  }

  #complain(error: unknown): void {
    const translated = translateFailure(error)
    this.#context.logger.error(
      { err: translated, after: String(this.#after) },
      'subscription to EventStoreDB failed and is tried again',
    )
  }

  /** Where the log ends now. Decided once, so that nothing is missed when the first subscription fails before it began. */
  async #newest(): Promise<Position | 'start'> {
    const { clients, attempts } = this.#context
    return persistently(clients, { ...attempts, signals: this.#signals }, async (client, attemptMs) => {
      const read = client.readAll({
        fromPosition: END,
        direction: BACKWARDS,
        maxCount: 1,
        requiresLeader: true,
      })
      const inflow = new Inflow<AllStreamResolvedEvent>(read, () => read.cancel())
      try {
        const [newest] = await inflow.take({ max: 1, timeoutMs: attemptMs, signals: this.#signals })
        return newest === undefined ? 'start' : (positionOf(newest) ?? 'start')
      } finally {
        await inflow.stop()
      }
    })
  }

  async *#untilFailure(): AsyncGenerator<readonly RecordedEvent[]> {
    const { clients } = this.#context
    const lease = clients.lease()
    const subscription = lease.client.subscribeToAll(
      {
        fromPosition: this.#after === 'start' || this.#after === 'end' ? START : clientPosition(this.#after),
        filter: excludeSystemEvents({ checkpointInterval: CHECKPOINT_INTERVAL }),
      },
      { highWaterMark: Math.min(this.#maxBatch, LARGEST_BUFFER) },
    )
    const inflow = new Inflow<AllStreamResolvedEvent>(subscription, () => subscription.unsubscribe())
    try {
      for (;;) {
        const arrived = await inflow.take({ max: this.#maxBatch, signals: this.#signals })
        if (arrived.length === 0) return
        const batch = this.#fresh(arrived)
        this.#failures = 0
        if (batch.length > 0) yield batch
        if (this.#stopped()) return
      }
    } catch (error) {
      if (spoilsClient(error)) clients.renew(lease.client)
      throw error
    } finally {
      inflow.stop().then(lease.release, lease.release)
    }
  }

  /** What has not been handed over yet, and moves behind it. */
  #fresh(arrived: readonly AllStreamResolvedEvent[]): RecordedEvent[] {
    const batch: RecordedEvent[] = []
    for (const resolved of arrived) {
      const position = positionOf(resolved)
      if (position === undefined || (typeof this.#after === 'bigint' && position <= this.#after)) continue
      this.#after = position
      const event = toRecorded(resolved)
      if (event !== undefined) batch.push(event)
    }
    return batch
  }
}
