import type { Appended, ExpectedRevision, Retention } from '../../domain/kernel/event-log.ts'
import { streamTombstoned, wrongExpectedRevision } from '../../domain/kernel/log-errors.ts'
import type { SerialisedEvent } from '../../domain/kernel/validate-append.ts'
import type { Batch } from './batch.ts'

/** A change of the log. `apply` stages its writes, or throws before it has staged any. */
export interface Operation<Answer> {
  /** Roughly how much memory it takes while it waits. */
  readonly characters: number
  apply(batch: Batch): Answer
}

/** Trimming is tried once in so many revisions, so that a stream with retention costs no more than others. */
const TRIM_EVERY = 32
/** Most events that one append trims, or one sweep removes. */
const STEP = 256

const shown = (revision: number): ExpectedRevision => (revision < 0 ? 'none' : BigInt(revision))

export const appendOperation = (
  stream: string,
  events: readonly SerialisedEvent[],
  expected: ExpectedRevision,
  now: () => number,
): Operation<Appended> => ({
  characters: events.reduce((sum, event) => sum + event.data.length + event.metadata.length, 0),
  apply(batch) {
    const { revision: actual, control } = batch.head(stream)
    if (control.tombstoned) throw streamTombstoned(stream)
    if (expected !== shown(actual)) {
      const repeated = findRepeat(batch, stream, events, expected)
      if (repeated !== undefined) return repeated
      throw wrongExpectedRevision(stream, expected, shown(actual))
    }
    const at = now()
    const last = batch.append(stream, events, at)
    if (Math.floor(last.revision / TRIM_EVERY) > Math.floor(actual / TRIM_EVERY)) trim(batch, stream, at)
    return { revision: BigInt(last.revision), position: BigInt(last.position) }
  },
})

/** The answer that an append with these events got before, when exactly they stand after the expected revision. */
const findRepeat = (
  batch: Batch,
  stream: string,
  events: readonly SerialisedEvent[],
  expected: ExpectedRevision,
): Appended | undefined => {
  const { revision, control } = batch.head(stream)
  const first = expected === 'none' ? 0 : Number(expected) + 1
  const last = first + events.length - 1
  if (first < control.floor || last > revision) return undefined
  const places = batch.places(stream, first, last)
  const same =
    places.length === events.length &&
    places.every((place, index) => batch.stored(stream, place)?.id === events[index]?.event.id)
  const newest = places.at(-1)
  if (!same || newest === undefined) return undefined
  return { revision: BigInt(newest.revision), position: BigInt(newest.position) }
}

/** Removes a bounded number of the events that the stream's retention hides. */
const trim = (batch: Batch, stream: string, at: number): void => {
  const { revision, control } = batch.head(stream)
  const { maxCount, maxAgeSeconds } = control.retention
  const most = Math.min(control.removed + STEP, revision)
  let end = Math.max(control.removed, maxCount === undefined ? 0 : Math.min(most, revision - maxCount + 1))
  if (maxAgeSeconds !== undefined) {
    const oldest = at - maxAgeSeconds * 1000
    for (const place of batch.places(stream, end, most - 1)) {
      const stored = batch.stored(stream, place)
      if (stored !== undefined && stored.at >= oldest) break
      end = place.revision + 1
    }
  }
  if (end <= control.removed) return
  batch.remove(stream, control.removed, end)
  batch.setControl(stream, { ...control, removed: end, floor: Math.max(control.floor, end) })
}

export const retentionOperation = (stream: string, retention: Retention): Operation<void> => ({
  characters: stream.length,
  apply(batch) {
    const { control } = batch.head(stream)
    if (control.tombstoned) throw streamTombstoned(stream)
    const same =
      control.retention.maxCount === retention.maxCount && control.retention.maxAgeSeconds === retention.maxAgeSeconds
    if (!same) batch.setControl(stream, { ...control, retention })
  },
})

/** Hides all events of a stream, and with `tombstoned` the stream for good. Answers whether there is something to sweep. */
export const hideOperation = (stream: string, tombstoned: boolean): Operation<boolean> => ({
  characters: stream.length,
  apply(batch) {
    const { revision, control } = batch.head(stream)
    if (control.tombstoned) return false
    const hides = control.floor <= revision
    if (!hides && !tombstoned) return false
    batch.setControl(stream, { ...control, tombstoned, floor: revision + 1 })
    if (hides) batch.setSweep(stream, true)
    return hides
  },
})

/** Removes a bounded number of hidden events from the disk. Answers whether more are left. */
export const sweepOperation = (stream: string): Operation<boolean> => ({
  characters: stream.length,
  apply(batch) {
    const { control } = batch.head(stream)
    const end = Math.min(control.floor, control.removed + STEP)
    if (end > control.removed) {
      batch.remove(stream, control.removed, end)
      batch.setControl(stream, { ...control, removed: end })
    }
    const more = end < control.floor
    if (!more) batch.setSweep(stream, false)
    return more
  },
})
