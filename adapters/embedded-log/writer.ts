import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import { Batch, type StreamHead } from './batch.ts'
import { unavailable } from './folder-errors.ts'
import type { Operation } from './operations.ts'
import type { Store } from './store.ts'
import type { Tail } from './tail.ts'

/** An append whose outcome is not known after this long is given up on. */
const DEADLINE_MS = 10_000
/** Characters of events that may wait for their turn. */
const MAX_WAITING_CHARACTERS = 64 * 1024 * 1024
/** Most operations and characters of one commit. */
const MAX_BATCH_OPERATIONS = 1000
const MAX_BATCH_CHARACTERS = 8 * 1024 * 1024
/** Streams whose last revision is kept in memory. */
const MAX_KNOWN_STREAMS = 10_000

/** An operation in the queue, with its answer's type closed over. */
interface Waiting {
  readonly since: number
  readonly characters: number
  settled: boolean
  /** Applies it, and returns how to tell the caller once the batch is durable. */
  apply(batch: Batch): () => void
  fail(error: unknown): void
}

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
  #version = -1
  #queue: Waiting[] = []
  #waitingCharacters = 0
  #running: Promise<void> | undefined

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
      const waiting: Waiting = {
        since: performance.now(),
        characters: operation.characters,
        settled: false,
        apply: (batch) => {
          try {
            const answer = operation.apply(batch)
            return () => settle(() => resolve(answer))
          } catch (error) {
            return () => settle(() => reject(error))
          }
        },
        fail: (error) => settle(() => reject(error)),
      }
      const abort = (): void => waiting.fail(signal?.reason)
      const settle = (tell: () => void): void => {
        waiting.settled = true
        signal?.removeEventListener('abort', abort)
        tell()
      }
      signal?.addEventListener('abort', abort, { once: true })
      this.#queue.push(waiting)
      this.#waitingCharacters += waiting.characters
      this.#running ??= this.#run()
    })
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
        for (const waiting of inHand) if (!waiting.settled) waiting.fail(reason)
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
    const { meta, root } = this.#store
    for (;;) {
      root.resetReadTxn()
      const entry = meta.getEntry('head')
      if (entry?.version === undefined) throw logUnavailable('its head is missing')
      if (entry.version !== this.#version || this.#known.size > MAX_KNOWN_STREAMS) this.#forget()
      this.#version = entry.version
      this.#tail.sync(this.#store, entry.value)

      const batch = new Batch(this.#store, this.#tail, this.#known, entry.value)
      const answers = taken.filter((waiting) => !waiting.settled).map((waiting) => waiting.apply(batch))
      const next = entry.version + 1
      if (batch.hasWrites) {
        const written = await meta.ifVersion('head', entry.version, () => batch.write(next))
        if (!written) continue
        this.#version = next
        batch.merge()
      }
      for (const answer of answers) answer()
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
    if (!waiting.settled && waiting.since < oldest) {
      waiting.fail(logUnavailable(`no answer after ${DEADLINE_MS / 1000} s, the outcome is unknown`))
    }
  }
}
