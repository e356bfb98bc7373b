import type { NewEvent, RecordedEvent } from '../../domain/kernel/event.ts'
import type { SerialisedEvent } from '../../domain/kernel/validate-append.ts'

interface StoredRecord {
  readonly stream: string
  readonly revision: number
  readonly id: string
  readonly type: string
  /** When it was appended, ms since the epoch, by the clock of the log. Retention by age goes by it. */
  readonly at: number
  readonly data: NewEvent['data']
  readonly metadata: NewEvent['metadata']
}

/** An event that is about to be stored, with its place in its stream. */
export interface PendingRecord {
  readonly entry: { readonly stream: string; readonly revision: number }
  readonly at: number
  readonly event: SerialisedEvent
}

/**
 * One event as it is stored: JSON, put together from the parts that were serialised when the append was checked, so
 * nothing is encoded twice. Not MessagePack: it changes lone surrogates and a key called `__proto__`, and it is not faster here.
 */
const textOf = ({ entry: { stream, revision }, at, event }: PendingRecord): string =>
  `{"stream":${JSON.stringify(stream)},"revision":${revision},"id":"${event.event.id}","type":${JSON.stringify(event.event.type)},"at":${at},"data":${event.data},"metadata":${event.metadata}}`

/** Most bytes that a character takes in UTF-8. */
const BYTES_PER_CHARACTER = 3

/** The bytes of a record: in `room` from `start` on when it is sure to fit there, else in memory of their own. */
export const encodeRecord = (record: PendingRecord, room: Buffer, start: number): Buffer => {
  const text = textOf(record)
  if (start + text.length * BYTES_PER_CHARACTER > room.length) return Buffer.from(text)
  return room.subarray(start, start + room.write(text, start))
}

/** Reads back what `encodeRecord` wrote. */
export const decodeRecord = (text: string): StoredRecord => JSON.parse(text) as StoredRecord

/** The event that a record at that position stands for. */
export const recordedEvent = (position: number, record: StoredRecord): RecordedEvent => ({
  id: record.id,
  type: record.type,
  data: record.data,
  metadata: record.metadata,
  stream: record.stream,
  revision: BigInt(record.revision),
  position: BigInt(position),
})
