import { setMaxListeners } from 'node:events'
import type { NewEvent, Position, RecordedEvent } from '../../domain/kernel/event.ts'
import type {
  Appended,
  EventLog,
  ExpectedRevision,
  ReadAllOptions,
  ReadStreamOptions,
  Retention,
  SubscribeOptions,
} from '../../domain/kernel/event-log.ts'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { assertStreamName, validateAppend } from '../../domain/kernel/validate-append.ts'
import { type AppendContext, actualRevision, append, appendOnce } from './appending.ts'
import { type AttemptOptions, persistently } from './attempts.ts'
import { Clients } from './clients.ts'
import { isTombstoned } from './failures.ts'
import { Inflow } from './inflow.ts'
import { type ReadContext, readAll, readRaw, readStream } from './reading.ts'
import type { Resolved } from './recorded.ts'
import { setRetention, truncateAll } from './stream-metadata.ts'
import { Subscription } from './subscription.ts'

export interface EventStoreLogOptions {
  /** `esdb://…` or `esdb+discover://…`: hosts, TLS, user and password. Never logged. */
  readonly connectionString: string
  /** Is told of subscriptions that fail. Default: nobody. */
  readonly logger?: Logger
  /** When an append gives up, in ms. Default 10,000. */
  readonly appendDeadlineMs?: number
  /** When an append first asks again because no answer came, in ms; then it waits twice as long each time. Default 1,000. */
  readonly attemptMs?: number
  /** When a read gives up because no further event came, in ms. Default 10,000. */
  readonly readStallMs?: number
}

const DEADLINE_MS = 10_000
const ATTEMPT_MS = 1_000
const PING_MS = 2_000
/** Higher than any revision a stream can have; the server's largest number means "deleted". */
const BEYOND_ALL_REVISIONS = 2n ** 62n

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/**
 * An EventLog on EventStoreDB ≥ 22.10 or KurrentDB. Nothing is connected before the first call, and every call
 * connects anew when it must: a server that is away now does no lasting harm.
 *
 * @throws EventstoreUrlInvalid
 * @example
 * const log = await openEventStoreLog({ connectionString: 'esdb://127.0.0.1:2113?tls=false' })
 */
export const openEventStoreLog = async (options: EventStoreLogOptions): Promise<EventLog> => new EventStoreLog(options)

class EventStoreLog implements EventLog {
  readonly kind = 'eventstore'
  readonly #clients: Clients
  readonly #closing = new AbortController()
  readonly #appends = new Set<Promise<unknown>>()
  readonly #attempts: Omit<AttemptOptions, 'signals'>
  readonly #context: ReadContext & AppendContext
  readonly #logger: Logger
  #closed: Promise<void> | undefined

  constructor(options: EventStoreLogOptions) {
    this.#clients = new Clients(options.connectionString)
    this.#logger = options.logger ?? silent
    // Every read and subscription under way listens for the end: many of them are no leak.
    setMaxListeners(0, this.#closing.signal)
    const deadlineMs = options.appendDeadlineMs ?? DEADLINE_MS
    this.#attempts = { deadlineMs, attemptMs: Math.min(options.attemptMs ?? ATTEMPT_MS, deadlineMs) }
    this.#context = {
      clients: this.#clients,
      attempts: this.#attempts,
      closing: this.#closing.signal,
      stallMs: options.readStallMs ?? DEADLINE_MS,
      revisionOf: (stream) => this.#lastRevision(stream),
      eventAt: (stream, revision) => this.#eventAt(stream, revision),
      head: () => this.#newest(),
    }
  }

  async append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
    options: { signal?: AbortSignal } = {},
  ): Promise<Appended> {
    const serialised = validateAppend(stream, events)
    const signals = options.signal === undefined ? [] : [options.signal]
    return this.#underWay(() => append(this.#context, stream, serialised, expected, signals))
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<RecordedEvent> {
    assertStreamName(stream)
    this.#assertOpen()
    yield* readStream(this.#context, stream, options)
  }

  async *readAll(options: ReadAllOptions = {}): AsyncGenerator<RecordedEvent> {
    this.#assertOpen()
    yield* readAll(this.#context, options)
  }

  async revisionOf(stream: string): Promise<ExpectedRevision> {
    assertStreamName(stream)
    this.#assertOpen()
    return this.#lastRevision(stream)
  }

  async head(): Promise<Position | undefined> {
    this.#assertOpen()
    return this.#newest()
  }

  async *subscribe(options: SubscribeOptions): AsyncGenerator<readonly RecordedEvent[]> {
    if (options.signal.aborted) return
    this.#assertOpen()
    const { closing } = this.#context
    const context = { clients: this.#clients, attempts: this.#attempts, closing, logger: this.#logger }
    yield* new Subscription(context, options).batches()
  }

  async setRetention(stream: string, retention: Retention): Promise<void> {
    assertStreamName(stream)
    return this.#underWay(() => setRetention(this.#context, stream, retention))
  }

  async deleteStream(stream: string): Promise<void> {
    assertStreamName(stream)
    return this.#underWay(() => truncateAll(this.#context, stream))
  }

  async tombstone(stream: string): Promise<void> {
    assertStreamName(stream)
    await this.#underWay(() =>
      persistently(this.#clients, { ...this.#attempts, signals: [] }, async (client, deadline) => {
        try {
          await client.tombstoneStream(stream, { deadline, requiresLeader: true })
        } catch (error) {
          if (!isTombstoned(error)) throw error
        }
      }),
    )
  }

  async ping(): Promise<number> {
    this.#assertOpen()
    const began = performance.now()
    const signals = [this.#closing.signal]
    await persistently(
      this.#clients,
      { deadlineMs: PING_MS, attemptMs: PING_MS, signals },
      async (client, timeoutMs) => {
        const read = client.readAll({ maxCount: 1 })
        const inflow = new Inflow(read, () => read.cancel())
        try {
          await inflow.take({ max: 1, timeoutMs, signals })
        } finally {
          await inflow.stop()
        }
      },
    )
    return performance.now() - began
  }

  close(): Promise<void> {
    this.#closed ??= this.#shutDown()
    return this.#closed
  }

  async #shutDown(): Promise<void> {
    this.#closing.abort(logUnavailable('it has been closed'))
    await Promise.allSettled(this.#appends)
    await this.#clients.close()
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted()
  }

  /** Runs something that changes the log; `close` waits for it. */
  async #underWay<Result>(run: () => Promise<Result>): Promise<Result> {
    this.#assertOpen()
    const work = run()
    this.#appends.add(work)
    try {
      return await work
    } finally {
      this.#appends.delete(work)
    }
  }

  async #eventAt(stream: string, revision: bigint): Promise<Resolved | undefined> {
    for await (const resolved of readRaw(this.#context, stream, { from: revision, limit: 1 })) {
      return resolved.event?.revision === revision ? resolved : undefined
    }
    return undefined
  }

  async #newest(): Promise<Position | undefined> {
    for await (const { position } of readAll(this.#context, { direction: 'backwards', limit: 1 })) return position
    return undefined
  }

  /**
   * A stream that shows no event may yet have a revision: all of it is deleted, trimmed or too old. Only a conflict
   * tells that: nothing is appended, to a stream expected to be where none can be.
   */
  async #lastRevision(stream: string): Promise<ExpectedRevision> {
    for await (const { event } of readRaw(this.#context, stream, { direction: 'backwards', limit: 1 })) {
      if (event !== undefined) return event.revision
    }
    const { clients } = this.#context
    try {
      await persistently(clients, { ...this.#attempts, signals: [] }, (client, attemptMs) =>
        appendOnce(client, stream, [], BEYOND_ALL_REVISIONS, attemptMs),
      )
    } catch (error) {
      if (isTombstoned(error)) return 'none'
      const actual = actualRevision(error)
      if (actual === undefined) throw error
      return actual
    }
    throw new Error(`stream ${stream} claims a revision that cannot be`)
  }
}
