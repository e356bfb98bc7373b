import { setImmediate as nextTurn } from 'node:timers/promises'
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
import { invalidEvent, logUnavailable } from '../../domain/kernel/log-errors.ts'
import { assertStreamName, validateAppend } from '../../domain/kernel/validate-append.ts'
import { isFull, unavailable } from './folder-errors.ts'
import { assertKeyFits } from './keys.ts'
import { appendOperation, hideOperation, type Operation, retentionOperation, sweepOperation } from './operations.ts'
import { asNumber, PAGE_EVENTS, Reader } from './reader.ts'
import { openStore, type Store } from './store.ts'
import { Tail } from './tail.ts'
import { Wakeups } from './wakeups.ts'
import { Writer } from './writer.ts'

export interface EmbeddedLogOptions {
  /** Folder of the log alone; made with mode 0700 when it is missing. */
  readonly folder: string
  /** Time of the appends, for retention by age. Default: the system's clock. */
  readonly clock?: () => Date
  /** For a thread that only reads and subscribes: appends are refused, and the folder must hold a log already. */
  readonly readOnly?: boolean
}

const DEFAULT_BATCH = 500

const assertName = (stream: string): void => {
  assertStreamName(stream)
  assertKeyFits(stream)
}

class EmbeddedLog implements EventLog {
  readonly kind = 'embedded'
  readonly #store: Store
  readonly #readOnly: boolean
  readonly #now: () => number
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #wakeups: Wakeups
  readonly #closing = new AbortController()
  readonly #sweeping = new Map<string, Promise<void>>()
  #closed: Promise<void> | undefined

  constructor(store: Store, options: EmbeddedLogOptions) {
    const { clock } = options
    const tail = new Tail()
    this.#store = store
    this.#readOnly = options.readOnly === true
    this.#now = clock === undefined ? Date.now : () => clock().getTime()
    this.#reader = new Reader(store, tail, this.#now)
    this.#wakeups = new Wakeups(store.folder)
    this.#writer = new Writer(store, tail, () => this.#wakeups.announce())
    if (!this.#readOnly) for (const stream of store.sweeps.getKeys({ start: '' })) this.#sweep(stream)
  }

  append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
    options?: { signal?: AbortSignal },
  ): Promise<Appended> {
    // Not an async function: its promise, and the turns it takes to settle, would come with each append.
    try {
      const serialised = validateAppend(stream, events)
      assertKeyFits(stream)
      return this.#submit(appendOperation(stream, serialised, expected, this.#now), options?.signal)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  async *readStream(stream: string, options: ReadStreamOptions = {}): AsyncGenerator<RecordedEvent> {
    assertName(stream)
    const { direction = 'forwards', signal } = options
    let left = options.limit ?? Number.POSITIVE_INFINITY
    let next = options.from === undefined ? undefined : asNumber(options.from)
    while (left > 0) {
      const page = await this.#read((reader) => reader.stream(stream, direction, next, left))
      for (const event of page.events) {
        signal?.throwIfAborted()
        yield event
      }
      if (page.next === undefined) return
      left -= page.events.length
      next = page.next
      await nextTurn()
      signal?.throwIfAborted()
    }
  }

  async revisionOf(stream: string): Promise<ExpectedRevision> {
    assertName(stream)
    const revision = await this.#read((reader) => reader.revision(stream))
    return revision < 0 ? 'none' : BigInt(revision)
  }

  async *readAll(options: ReadAllOptions = {}): AsyncGenerator<RecordedEvent> {
    const { direction = 'forwards', signal } = options
    // What is appended while this goes on is not read, or it might never end.
    const last = await this.#position()
    const end = direction === 'forwards' ? last + 1 : 0
    let after = options.after === undefined ? (direction === 'forwards' ? 0 : last + 1) : asNumber(options.after)
    let left = options.limit ?? Number.POSITIVE_INFINITY
    while (left > 0) {
      const page = await this.#read((reader) => reader.all(direction, after, end, Math.min(left, PAGE_EVENTS)))
      for (const event of page.events) {
        signal?.throwIfAborted()
        yield event
      }
      if (page.next === undefined) return
      left -= page.events.length
      after = page.next
      await nextTurn()
      signal?.throwIfAborted()
    }
  }

  async head(): Promise<Position | undefined> {
    const newest = await this.#read((reader) => reader.newest())
    return newest === undefined ? undefined : BigInt(newest)
  }

  async *subscribe(options: SubscribeOptions): AsyncGenerator<readonly RecordedEvent[]> {
    const { after, signal, maxBatch = DEFAULT_BATCH } = options
    if (signal.aborted) return
    const stop = new AbortController()
    const end = (): void => stop.abort()
    for (const each of [signal, this.#closing.signal]) each.addEventListener('abort', end, { once: true })
    try {
      let position = after === 'start' ? 0 : after === 'end' ? await this.#position() : asNumber(after)
      while (!signal.aborted && !this.#closing.signal.aborted) {
        const seen = this.#wakeups.count
        const { head, events, next } = await this.#read((reader) => {
          const head = reader.head().position
          return { head, ...reader.all('forwards', position, head + 1, maxBatch) }
        })
        if (stop.signal.aborted) return
        // Where events were removed there is nothing to deliver: go on behind the gap.
        position = next ?? Math.max(position, head)
        if (events.length > 0) yield events
        if (next === undefined) await this.#wakeups.wait(seen, stop.signal)
        else await nextTurn()
      }
    } finally {
      for (const each of [signal, this.#closing.signal]) each.removeEventListener('abort', end)
    }
  }

  async setRetention(stream: string, retention: Retention): Promise<void> {
    assertName(stream)
    for (const value of [retention.maxCount, retention.maxAgeSeconds]) {
      if (value !== undefined && !(value >= 1)) throw invalidEvent(`retention of ${value} for ${stream}`)
    }
    await this.#submit(retentionOperation(stream, retention))
  }

  async deleteStream(stream: string): Promise<void> {
    assertName(stream)
    if (await this.#submit(hideOperation(stream, false))) this.#sweep(stream)
  }

  async tombstone(stream: string): Promise<void> {
    assertName(stream)
    if (await this.#submit(hideOperation(stream, true))) this.#sweep(stream)
  }

  async ping(): Promise<number> {
    const start = performance.now()
    await this.#position()
    // Small events still fit somewhere on a full disk; a log that has refused one is not well until there is room.
    const { refused } = this.#writer
    if (refused !== undefined && (await isFull(this.#store.folder))) throw refused
    return performance.now() - start
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#sweeping.values())
    await this.#writer.idle()
    this.#wakeups.close()
    await this.#store.root.close()
  }

  /** @throws LogUnavailable when it is closed or for reading only; the promise is of the operation. */
  #submit<Answer>(operation: Operation<Answer>, signal?: AbortSignal): Promise<Answer> {
    this.#assertOpen()
    if (this.#readOnly) throw logUnavailable('it was opened for reading only')
    return this.#writer.submit(operation, signal)
  }

  /** Reads without a pause, so that nothing is closed meanwhile. A damaged or full disk becomes LogUnavailable. */
  async #read<Answer>(use: (reader: Reader) => Answer): Promise<Answer> {
    this.#assertOpen()
    try {
      return use(this.#reader)
    } catch (error) {
      throw await unavailable(this.#store.folder, error)
    }
  }

  async #position(): Promise<number> {
    return (await this.#read((reader) => reader.head())).position
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw logUnavailable('it is closed')
  }

  /** Removes the hidden events of a stream, step by step beside other work. What is left is taken up at the next start. */
  #sweep(stream: string): void {
    const earlier = this.#sweeping.get(stream)
    const run = async (): Promise<void> => {
      await earlier
      try {
        while (!this.#closing.signal.aborted && (await this.#writer.submit(sweepOperation(stream))));
      } catch {
        // A full disk, say. The stream stays marked, and the next start or deletion tries again.
      }
    }
    const running = run().finally(() => {
      if (this.#sweeping.get(stream) === running) this.#sweeping.delete(stream)
    })
    this.#sweeping.set(stream, running)
  }
}

/**
 * Opens the event log that needs no server: one folder, kept by LMDB. An append is answered once it is on disk. The same
 * folder may be opened several times in one process, in worker threads too; only one process may use it at a time, which
 * the caller sees to.
 *
 * @throws DataFolderNewer, DataFolderUnusable, DataFolderCorrupt
 * @example
 * const log = await openEmbeddedLog({ folder: join(dataFolder, 'log') })
 */
export const openEmbeddedLog = async (options: EmbeddedLogOptions): Promise<EventLog> =>
  new EmbeddedLog(await openStore(options.folder, options.readOnly !== true), options)
