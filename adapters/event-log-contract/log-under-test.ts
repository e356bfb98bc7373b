import { randomUUID } from 'node:crypto'
import type { EventMetadata, NewEvent, RecordedEvent } from '../../domain/kernel/event.ts'
import type { Appended, EventLog, ExpectedRevision } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** What the suite is run on. It is opened once for all tests: a server may be shared, so each test uses streams of its own. */
export interface LogUnderTest {
  readonly log: EventLog
  /** One more client on the same data, as after a restart of the program; `log` goes on working. The suite closes it. */
  reopen?(): Promise<EventLog>
  /** Closes `log` and takes away what was made for it. */
  close(): Promise<void>
}

/** Access to what is under test, valid inside a test. */
export type Subject = () => LogUnderTest

/** A stream name nobody else has. */
export const freshStream = (category = 'contract'): string => `${category}-${randomUUID()}`

export const sampleMetadata: EventMetadata = {
  schemaVersion: 1,
  occurredAt: '2026-03-01T12:00:00.000Z',
  actor: { kind: 'User', name: 'ada', tokenSha: '0123456789ab' },
  commandId: '3f0c7b1e-8f58-4a5e-9a7e-0d9f3b0c1a2b',
  correlationId: '6a1d2c3b-4e5f-4061-8273-94a5b6c7d8e9',
  causationId: '3f0c7b1e-8f58-4a5e-9a7e-0d9f3b0c1a2b',
}

export const sampleEvent = (data: JsonObject = {}, type = 'ThingHappened'): NewEvent => ({
  id: randomUUID(),
  type,
  data,
  metadata: sampleMetadata,
})

/** `count` events with `data.n` = `from`, `from + 1`, … */
export const sampleEvents = (count: number, from = 0): NewEvent[] =>
  Array.from({ length: count }, (_, index) => sampleEvent({ n: from + index }))

/** Everything that an iteration yields. */
export const collect = async <Item>(items: AsyncIterable<Item>): Promise<Item[]> => {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The `data.n` of events made by `sampleEvents`. */
export const numbers = (events: readonly RecordedEvent[]): unknown[] => events.map((event) => event.data.n)

/** Appends events one at a time and returns the answers. */
export const appendEach = async (
  log: EventLog,
  stream: string,
  events: readonly NewEvent[],
  expected: ExpectedRevision = 'none',
): Promise<Appended[]> => {
  const answers: Appended[] = []
  let at = expected
  for (const event of events) {
    const answer = await log.append(stream, [event], at)
    answers.push(answer)
    at = answer.revision
  }
  return answers
}
