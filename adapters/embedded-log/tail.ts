import { decodeRecord } from './record.ts'
import type { Head, Store } from './store.ts'

/** An event that is stored but not yet in the stream index. */
export interface TailEntry {
  readonly stream: string
  readonly revision: number
  readonly position: number
  readonly id: string
}

/** The index takes the tail when it has this many events … */
export const MAX_TAIL_EVENTS = 1024
/** … or this many characters of records, since a start reads the tail. */
export const MAX_TAIL_CHARACTERS = 8 * 1024 * 1024

/**
 * Memory of the events since the last write of the stream index, in the order of their positions.
 *
 * Streams are many and an index entry an event would dirty a page for each stream in every commit (measured: two thirds
 * of the rate at 32 clients). So the index is written for about a thousand events at once; whoever opens the log reads
 * the rest from the events themselves.
 */
export class Tail {
  indexed = 0
  through = 0
  characters = 0
  count = 0
  readonly #byStream = new Map<string, TailEntry[]>()

  /** Brings it to where the database stands: forgets what is indexed by now, reads what is new. */
  sync(store: Store, head: Head): void {
    if (head.indexed > this.indexed) this.#forgetThrough(head.indexed)
    if (head.position <= this.through) return
    const start = Math.max(this.through, this.indexed) + 1
    for (const { key, value } of store.events.getRange({ start, end: head.position + 1 })) {
      const { stream, revision, id } = decodeRecord(value)
      this.add({ stream, revision, position: key, id }, value.length)
    }
    this.through = head.position
  }

  add(entry: TailEntry, characters: number): void {
    if (entry.position <= this.through) return
    const entries = this.#byStream.get(entry.stream)
    if (entries === undefined) this.#byStream.set(entry.stream, [entry])
    else entries.push(entry)
    this.through = entry.position
    this.characters += characters
    this.count += 1
  }

  of(stream: string): readonly TailEntry[] {
    return this.#byStream.get(stream) ?? []
  }

  streams(): Iterable<string> {
    return this.#byStream.keys()
  }

  #forgetThrough(indexed: number): void {
    for (const [stream, entries] of this.#byStream) {
      const kept = entries.filter((entry) => entry.position > indexed)
      this.count -= entries.length - kept.length
      if (kept.length === 0) this.#byStream.delete(stream)
      else this.#byStream.set(stream, kept)
    }
    this.indexed = indexed
    this.through = Math.max(this.through, indexed)
    if (this.count === 0) this.characters = 0
  }
}
