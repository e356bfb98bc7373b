import type { RecordedEvent } from '../../domain/kernel/event.ts'
import { LAST_REVISION } from './keys.ts'
import { decodeRecord, recordedEvent } from './record.ts'
import type { Head, Store } from './store.ts'
import { controlOf, lastRevision, placesBetween } from './stream-index.ts'
import type { Tail } from './tail.ts'

/** Most events that are read in one go, before others get their turn. */
export const PAGE_EVENTS = 256
/** Characters of records after which a page is cut short. */
const PAGE_CHARACTERS = 4 * 1024 * 1024

type Direction = 'forwards' | 'backwards'

interface Page<Next> {
  readonly events: readonly RecordedEvent[]
  /** Where the next page begins; undefined after the last. */
  readonly next: Next | undefined
}

/** Reads pages. Each is read without a pause, from one snapshot, and holds no cursor or transaction afterwards. */
export class Reader {
  readonly #store: Store
  readonly #tail: Tail
  readonly #now: () => number

  constructor(store: Store, tail: Tail, now: () => number) {
    this.#store = store
    this.#tail = tail
    this.#now = now
  }

  /** Where the log stands now; what is read after it in the same turn is of the same snapshot. */
  head(): Head {
    this.#store.root.resetReadTxn()
    return this.#store.meta.get('head') ?? { position: 0, indexed: 0 }
  }

  /** Position of the newest event that is stored, or undefined. */
  newest(): number | undefined {
    this.head()
    for (const position of this.#store.events.getKeys({ reverse: true, limit: 1 })) return position
    return undefined
  }

  /** Revision of the stream's last event, or -1 when it has none or is tombstoned. */
  revision(stream: string): number {
    this.#tail.sync(this.#store, this.head())
    const control = controlOf(this.#store, stream)
    return control.tombstoned ? -1 : lastRevision(this.#store, this.#tail.of(stream), stream, control)
  }

  /** A page of a stream, from a revision on, that one included; `from` undefined is the first or the last one. */
  stream(stream: string, direction: Direction, from: number | undefined, limit: number): Page<number> {
    const none = { events: [], next: undefined }
    this.#tail.sync(this.#store, this.head())
    const control = controlOf(this.#store, stream)
    if (control.tombstoned) return none
    const last = lastRevision(this.#store, this.#tail.of(stream), stream, control)
    const { maxCount, maxAgeSeconds } = control.retention
    const first = Math.max(control.floor, maxCount === undefined ? 0 : last - maxCount + 1)
    const size = Math.min(limit, PAGE_EVENTS)
    const forwards = direction === 'forwards'
    const low = forwards ? Math.max(from ?? first, first) : Math.max(first, Math.min(from ?? last, last) - size + 1)
    const high = forwards ? Math.min(last, low + size - 1) : Math.min(from ?? last, last)
    if (high < low) return none

    const places = placesBetween(this.#store, this.#tail.of(stream), stream, low, high)
    if (!forwards) places.reverse()
    const oldest = maxAgeSeconds === undefined ? Number.NEGATIVE_INFINITY : this.#now() - maxAgeSeconds * 1000
    const events: RecordedEvent[] = []
    let characters = 0
    let reached = forwards ? high : low
    for (const { revision, position } of places) {
      const text = this.#store.events.get(position)
      if (text === undefined) continue
      const record = decodeRecord(text)
      if (record.at >= oldest) events.push(recordedEvent(position, record))
      characters += text.length
      if (characters < PAGE_CHARACTERS) continue
      reached = revision
      break
    }
    if (forwards) return { events, next: reached < last ? reached + 1 : undefined }
    return { events, next: reached > first ? reached - 1 : undefined }
  }

  /** A page of up to `size` events of the whole log, from the positions between `after` and `end`, neither included. */
  all(direction: Direction, after: number, end: number, size: number): Page<number> {
    const forwards = direction === 'forwards'
    const range = forwards ? { start: after + 1, end } : { start: after - 1, end, reverse: true }
    if (forwards ? range.start >= end : range.start <= end) return { events: [], next: undefined }
    const events: RecordedEvent[] = []
    let characters = 0
    let reached = after
    for (const { key, value } of this.#store.events.getRange({ ...range, limit: size })) {
      events.push(recordedEvent(key, decodeRecord(value)))
      reached = key
      characters += value.length
      if (characters >= PAGE_CHARACTERS) return { events, next: reached }
    }
    return { events, next: events.length < size ? undefined : reached }
  }
}

/** A revision or position as a number that the database can look for. */
export const asNumber = (value: bigint): number => Math.min(Number(value), LAST_REVISION - 1)
