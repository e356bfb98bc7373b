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

/**
 * One event as it is stored: JSON, put together from the parts that were serialised when the append was checked, so
 * nothing is encoded twice. Not MessagePack: it changes lone surrogates and a key called `__proto__`, and it is not faster here.
 */
export const encodeRecord = (stream: string, revision: number, at: number, event: SerialisedEvent): string =>
  `{"stream":${JSON.stringify(stream)},"revision":${revision},"id":"${event.event.id}","type":${JSON.stringify(event.event.type)},"at":${at},"data":${event.data},"metadata":${event.metadata}}`

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
