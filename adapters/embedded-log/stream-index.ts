import type { Database } from 'lmdb'
import { encodePositions, LAST_REVISION, positionAt, positionsIn, type StreamKey } from './keys.ts'
import type { Control, Store } from './store.ts'
import { reportedElsewhere } from './store.ts'
import type { TailEntry } from './tail.ts'

/** One entry of the index: the positions of consecutive events, the first of which has revision `first`. */
interface Chunk {
  readonly first: number
  readonly positions: Buffer
}

/** Where an event of a stream is. */
export interface Place {
  readonly revision: number
  readonly position: number
}

const NO_CONTROL: Control = { retention: {}, floor: 0, removed: 0, tombstoned: false }

export const controlOf = (store: Store, stream: string): Control => store.controls.get(stream) ?? NO_CONTROL

// A key is read back as the revision alone (see keys.ts), which lmdb's types cannot say.
const chunkOf = (entry: { key: unknown; value: Buffer }): Chunk => ({
  first: Number(entry.key),
  positions: entry.value,
})

/** The last chunk that begins at or before a revision. */
const chunkAt = (streams: Database<Buffer, StreamKey>, stream: string, revision: number): Chunk | undefined => {
  const range = { start: [stream, revision], end: [stream, 0] }
  for (const entry of streams.getRange({ ...range, reverse: true, inclusiveEnd: true, limit: 1 })) {
    return chunkOf(entry)
  }
  return undefined
}

/** Chunks that hold revisions from `from` to `to`, both included. */
export const chunksBetween = (store: Store, stream: string, from: number, to: number): Chunk[] => {
  const first = chunkAt(store.streams, stream, from)?.first ?? from
  const range = { start: [stream, first], end: [stream, to + 1] }
  return Array.from(store.streams.getRange(range), chunkOf)
}

/** Revision of a stream's last event, or -1. */
export const lastRevision = (store: Store, tail: readonly TailEntry[], stream: string, control: Control): number => {
  const newest = tail.at(-1)
  if (newest !== undefined) return newest.revision
  const chunk = chunkAt(store.streams, stream, LAST_REVISION)
  const indexed = chunk === undefined ? -1 : chunk.first + positionsIn(chunk.positions) - 1
  return Math.max(indexed, control.floor - 1)
}

/** Where the stored events with revisions from `from` to `to` are, both included, in order; trimmed ones are left out. */
export const placesBetween = (
  store: Store,
  tail: readonly TailEntry[],
  stream: string,
  from: number,
  to: number,
): Place[] => {
  const places: Place[] = []
  for (const { first, positions } of chunksBetween(store, stream, from, to)) {
    const last = Math.min(to, first + positionsIn(positions) - 1)
    for (let revision = Math.max(from, first); revision <= last; revision += 1) {
      places.push({ revision, position: positionAt(positions, revision - first) })
    }
  }
  const indexed = places.at(-1)?.revision ?? -1
  for (const { revision, position } of tail) {
    if (revision > indexed && revision >= from && revision <= to) places.push({ revision, position })
  }
  return places
}

/** Writes the events of one stream to the index, a chunk for each run of consecutive revisions. Inside a batch. */
export const putChunks = (store: Store, stream: string, entries: readonly TailEntry[]): void => {
  let run: TailEntry[] = []
  const end = (): void => {
    const first = run[0]
    if (first === undefined) return
    const positions = encodePositions(run.map((entry) => entry.position))
    store.streams.put([stream, first.revision], positions).catch(reportedElsewhere)
    run = []
  }
  for (const entry of entries) {
    const previous = run.at(-1)
    if (previous !== undefined && entry.revision !== previous.revision + 1) end()
    run.push(entry)
  }
  end()
}
