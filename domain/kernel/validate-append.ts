import type { NewEvent } from './event.ts'
import { MAX_APPEND_BYTES, MAX_EVENT_BYTES } from './event-log.ts'
import { eventTooLarge, invalidEvent } from './log-errors.ts'

const STREAM = /^[a-z][a-z0-9]*-[^\s$][^\s]{0,249}$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Throws InvalidEvent unless `stream` is `<category>-<id>`: a category of lower-case letters and digits, an id of 1 to 250 characters without spaces. */
export const assertStreamName = (stream: string): void => {
  if (!STREAM.test(stream)) throw invalidEvent(`stream name ${JSON.stringify(stream.slice(0, 80))}`)
}

/** JSON.stringify that refuses what JSON would lose or choke on, BigInt above all: the EventStoreDB client hangs for good on one. */
const strictJson = (value: unknown, what: string): string => {
  try {
    const text = JSON.stringify(value)
    if (text === undefined) throw invalidEvent(`${what} is not JSON`)
    return text
  } catch (cause) {
    throw invalidEvent(`${what} is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

/** The serialised parts of one event, made once while its size is checked. */
export interface SerialisedEvent {
  readonly event: NewEvent
  readonly data: string
  readonly metadata: string
}

/**
 * Checks everything an append must satisfy before any log sees it, and serialises the events on the way.
 * @throws InvalidEvent, EventTooLarge
 */
export const validateAppend = (stream: string, events: readonly NewEvent[]): readonly SerialisedEvent[] => {
  assertStreamName(stream)
  if (events.length === 0) throw invalidEvent('an append needs at least one event')
  const ids = new Set<string>()
  let total = 0
  const serialised = events.map((event) => {
    if (event.type.trim() === '') throw invalidEvent('an event needs a type')
    if (!UUID.test(event.id)) throw invalidEvent(`event id ${JSON.stringify(event.id)} is not a lower-case UUID`)
    if (ids.has(event.id)) throw invalidEvent(`event id ${event.id} stands twice in one append`)
    ids.add(event.id)
    const data = strictJson(event.data, `data of ${event.type}`)
    const metadata = strictJson(event.metadata, `metadata of ${event.type}`)
    const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata)
    if (bytes > MAX_EVENT_BYTES) throw eventTooLarge(`event ${event.type}`, bytes, MAX_EVENT_BYTES)
    total += bytes
    return { event, data, metadata }
  })
  if (total > MAX_APPEND_BYTES) throw eventTooLarge(`an append to ${stream}`, total, MAX_APPEND_BYTES)
  return serialised
}
