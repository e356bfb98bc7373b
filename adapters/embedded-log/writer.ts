import type { CodedError } from '../../domain/kernel/errors.ts'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import { Batch, type StreamHead } from './batch.ts'
import { expectRoom, unavailable } from './folder-errors.ts'
import type { Operation } from './operations.ts'
import type { Store } from './store.ts'
import type { Tail } from './tail.ts'
import { Submitted, type Waiting } from './waiting.ts'

/** An append whose outcome is not known after this long is given up on. */
const DEADLINE_MS = 10_000
/** Characters of events that may wait for their turn. */
const MAX_WAITING_CHARACTERS = 64 * 1024 * 1024
/** Most operations and characters of one commit. */
const MAX_BATCH_OPERATIONS = 1000
const MAX_BATCH_CHARACTERS = 8 * 1024 * 1024
/** Streams whose last revision is kept in memory. */
const MAX_KNOWN_STREAMS = 10_000

/** Room for the records of one commit, used again for the next; what does not fit in gets memory of its own. */
const RECORDS_BYTES = 1024 * 1024

/**
 * The one who writes, one batch at a time: all that was asked for while a commit was under way goes into the next, so
 * many callers share a flush. A batch is written on the condition that the log's head is still what it was decided on;
 * when another client of the same folder was faster, it is decided again.
 */
export class Writer {
  readonly #store: Store
  readonly #tail: Tail
  readonly #onEvents: () => void
  readonly #known = new Map<string, StreamHead>()
  readonly #records = Buffer.allocUnsafeSlow(RECORDS_BYTES)
  #version = -1
  #queue: Waiting[] = []
  #waitingCharacters = 0
  #running: Promise<void> | undefined
  #refused: CodedError | undefined

  constructor(store: Store, tail: Tail, onEvents: () => void) {
    this.#store = store
    this.#tail = tail
    this.#onEvents = onEvents
  }

  /**
   * Queues an operation and answers once it is durable.
   * @throws what the operation throws; LogUnavailable
   */
  submit<Answer>(operation: Operation<Answer>, signal?: AbortSignal): Promise<Answer> {
    signal?.throwIfAborted()
    if (this.#waitingCharacters > MAX_WAITING_CHARACTERS) throw logUnavailable('too many appends are waiting')
    return new Promise<Answer>((resolve, reject) => {
      this.#queue.push(new Submitted(operation, resolve, reject, signal))
      this.#waitingCharacters += operation.characters
      this.#running ??= this.#run()
    })
  }

  /** Why a commit failed last; undefined when none ever did. */
  get refused(): CodedError | undefined {
    return this.#refused
  }

  /** Resolves when nothing is waiting or under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  async #run(): Promise<void> {
    // Lets everybody who is about to append in this turn join the first batch.
    await Promise.resolve()
    const inHand: Waiting[] = []
    const watch = setInterval(() => giveUp([...inHand, ...this.#queue]), DEADLINE_MS / 10)
    while (this.#queue.length > 0) {
      inHand.splice(0, inHand.length, ...this.#take())
      try {
        await this.#commit(inHand)
      } catch (error) {
        // The memory may be ahead of what was written: begin again from the database.
        this.#forget()
        const reason = await unavailable(this.#store.folder, error)
        this.#refused = reason
        for (const waiting of inHand) waiting.fail(reason)
      }
    }
    clearInterval(watch)
    this.#running = undefined
  }

  #take(): Waiting[] {
    let count = 0
    let characters = 0
    for (const waiting of this.#queue) {
      if (count >= MAX_BATCH_OPERATIONS || (count > 0 && characters + waiting.characters > MAX_BATCH_CHARACTERS)) break
      count += 1
      characters += waiting.characters
    }
    const taken = this.#queue.slice(0, count)
    this.#queue = this.#queue.slice(count)
    this.#waitingCharacters -= characters
    return taken
  }

  async #commit(taken: readonly Waiting[]): Promise<void> {
    const characters = taken.reduce((sum, waiting) => sum + waiting.characters, 0)
    const { meta, root } = this.#store
    for (;;) {
      root.resetReadTxn()
      const entry = meta.getEntry('head')
      if (entry?.version === undefined) throw logUnavailable('its head is missing')
      if (entry.version !== this.#version || this.#known.size > MAX_KNOWN_STREAMS) this.#forget()
      this.#version = entry.version
      this.#tail.sync(this.#store, entry.value)

      const batch = new Batch(this.#store, this.#tail, this.#known, entry.value)
      for (const waiting of taken) if (!waiting.settled) waiting.apply(batch)
      const next = entry.version + 1
      if (batch.hasWrites) {
        expectRoom(this.#store.folder, characters)
        const written = await meta.ifVersion('head', entry.version, () => batch.write(next, this.#records))
        if (!written) continue
        this.#version = next
        batch.merge()
      }
      for (const waiting of taken) waiting.tell()
      if (batch.hasEvents) this.#onEvents()
      return
    }
  }

  #forget(): void {
    this.#known.clear()
    this.#version = -1
  }
}

const giveUp = (all: readonly Waiting[]): void => {
  const oldest = performance.now() - DEADLINE_MS
  for (const waiting of all) {
    if (waiting.since < oldest) {
      waiting.fail(logUnavailable(`no answer after ${DEADLINE_MS / 1000} s, the outcome is unknown`))
    }
  }
}
