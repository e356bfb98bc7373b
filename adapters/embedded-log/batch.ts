import { asBinary } from 'lmdb'
import type { SerialisedEvent } from '../../domain/kernel/validate-append.ts'
import { positionsIn } from './keys.ts'
import { decodeRecord, encodeRecord, type PendingRecord } from './record.ts'
import { type Control, type Head, reportedElsewhere, type Store } from './store.ts'
import { chunksBetween, controlOf, lastRevision, type Place, placesBetween, putChunks } from './stream-index.ts'
import { MAX_TAIL_CHARACTERS, MAX_TAIL_EVENTS, type Tail, type TailEntry } from './tail.ts'

/** What a writer must know of a stream before it appends. `revision` is -1 when it never had an event. */
export interface StreamHead {
  readonly revision: number
  readonly control: Control
}

/**
 * Everything that one commit will write. Operations are applied to it one after the other and see what those before them
 * did; nothing reaches the database or the memory of the log before `write` and `merge`.
 */
export class Batch {
  readonly store: Store
  readonly #tail: Tail
  readonly #known: Map<string, StreamHead>
  readonly #before: Head
  readonly #heads = new Map<string, StreamHead>()
  readonly #entries = new Map<string, TailEntry[]>()
  readonly #puts: (PendingRecord & { readonly entry: TailEntry })[] = []
  readonly #controls = new Map<string, Control>()
  readonly #sweeps = new Map<string, boolean>()
  readonly #removedEvents: number[] = []
  readonly #removedChunks: { readonly stream: string; readonly first: number }[] = []
  #position: number
  #after: Head
  #flush = false

  constructor(store: Store, tail: Tail, known: Map<string, StreamHead>, before: Head) {
    this.store = store
    this.#tail = tail
    this.#known = known
    this.#before = before
    this.#position = before.position
    this.#after = before
  }

  /** Whether anything would be written. */
  get hasWrites(): boolean {
    return this.#puts.length > 0 || this.#controls.size > 0 || this.#sweeps.size > 0
  }

  /** Whether there are new events. */
  get hasEvents(): boolean {
    return this.#puts.length > 0
  }

  head(stream: string): StreamHead {
    const known = this.#heads.get(stream) ?? this.#known.get(stream)
    if (known !== undefined) return known
    const control = controlOf(this.store, stream)
    const head = { control, revision: lastRevision(this.store, this.#tail.of(stream), stream, control) }
    this.#heads.set(stream, head)
    return head
  }

  /** Stages events after the stream's last one. */
  append(stream: string, events: readonly SerialisedEvent[], at: number): Place {
    const { revision: before, control } = this.head(stream)
    let revision = before
    for (const event of events) {
      revision += 1
      this.#position += 1
      const entry = { stream, revision, position: this.#position, id: event.event.id }
      this.#puts.push({ entry, at, event })
      const entries = this.#entries.get(stream)
      if (entries === undefined) this.#entries.set(stream, [entry])
      else entries.push(entry)
    }
    this.#heads.set(stream, { revision, control })
    return { revision, position: this.#position }
  }

  setControl(stream: string, control: Control): void {
    this.#controls.set(stream, control)
    this.#heads.set(stream, { ...this.head(stream), control })
  }

  /** Marks a stream as having hidden events to remove, or as having none any more. */
  setSweep(stream: string, pending: boolean): void {
    this.#sweeps.set(stream, pending)
    // What is removed is found by the index.
    if (pending) this.#flush = true
  }

  /** Stages the removal of the stored events from `from` up to, not including, `end`. */
  remove(stream: string, from: number, end: number): void {
    for (const { position } of this.places(stream, from, end - 1)) this.#removedEvents.push(position)
    for (const { first, positions } of chunksBetween(this.store, stream, from, end - 1)) {
      if (first + positionsIn(positions) <= end) this.#removedChunks.push({ stream, first })
    }
  }

  places(stream: string, from: number, to: number): Place[] {
    return placesBetween(this.store, this.#unindexed(stream), stream, from, to)
  }

  /** Id and time of the event at a place, or undefined when it is gone. `at` is 0 for events too new to matter. */
  stored(stream: string, { revision, position }: Place): { id: string; at: number } | undefined {
    const staged = this.#unindexed(stream).find((entry) => entry.revision === revision)
    if (staged !== undefined && position > this.#before.position) return { id: staged.id, at: Number.POSITIVE_INFINITY }
    const text = this.store.events.get(position)
    return text === undefined ? undefined : decodeRecord(text)
  }

  #unindexed(stream: string): readonly TailEntry[] {
    const staged = this.#entries.get(stream)
    const tail = this.#tail.of(stream)
    return staged === undefined ? tail : [...tail, ...staged]
  }

  /** Where the log stands after this batch. */
  #standing(): Head {
    const events = this.#tail.count + this.#puts.length
    const full = events >= MAX_TAIL_EVENTS || this.#tail.characters >= MAX_TAIL_CHARACTERS
    return { position: this.#position, indexed: full || this.#flush ? this.#position : this.#before.indexed }
  }

  /**
   * Queues all writes. Runs inside the condition on the head, so that they happen together or not at all.
   * @param room for records; it must stay as it is until the commit is over
   */
  write(version: number, room: Buffer): void {
    const { store } = this
    const after = this.#standing()
    this.#after = after
    let used = 0
    for (const record of this.#puts) {
      const bytes = encodeRecord(record, room, used)
      if (bytes.buffer === room.buffer) used += bytes.length
      appendTo(store.events, record.entry.position, bytes).catch(reportedElsewhere)
    }
    if (after.indexed !== this.#before.indexed) this.#writeIndex()
    for (const [stream, control] of this.#controls) store.controls.put(stream, control).catch(reportedElsewhere)
    for (const [stream, pending] of this.#sweeps) {
      const writing = pending ? store.sweeps.put(stream, true) : store.sweeps.remove(stream)
      writing.catch(reportedElsewhere)
    }
    for (const position of this.#removedEvents) store.events.remove(position).catch(reportedElsewhere)
    for (const { stream, first } of this.#removedChunks) store.streams.remove([stream, first]).catch(reportedElsewhere)
    store.meta.put('head', after, version).catch(reportedElsewhere)
  }

  #writeIndex(): void {
    for (const stream of new Set([...this.#tail.streams(), ...this.#entries.keys()])) {
      const { removed } = this.head(stream).control
      putChunks(
        this.store,
        stream,
        this.#unindexed(stream).filter((entry) => entry.revision >= removed),
      )
    }
  }

  /** Takes what was committed into the memory of the log. */
  merge(): void {
    // As it was written: a reader may have brought the tail up to this very commit meanwhile.
    const after = this.#after
    for (const [stream, head] of this.#heads) this.#known.set(stream, head)
    if (after.indexed === this.#before.indexed) {
      for (const { entry, event } of this.#puts) this.#tail.add(entry, event.data.length + event.metadata.length)
    } else this.#tail.sync(this.store, after)
  }
}

/** Puts the highest key so far: pages are filled one after the other and not split in halves. lmdb's types lack the option. */
const appendTo = (events: Store['events'], position: number, record: Buffer): Promise<boolean> =>
  Reflect.apply(events.put, events, [position, asBinary(record), { append: true }])
