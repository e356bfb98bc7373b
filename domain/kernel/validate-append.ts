import { messageOf } from './errors.ts'
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
const strictJson = (event: NewEvent, part: 'data' | 'metadata'): string => {
  let reason = ''
  try {
    const text: string | undefined = JSON.stringify(event[part])
    if (text !== undefined) return text
  } catch (cause) {
    reason = `: ${messageOf(cause)}`
  }
  throw invalidEvent(`${part} of ${event.type} is not JSON${reason}`)
}

/** The serialised parts of one event, made once while it is checked. */
export interface SerialisedEvent {
  readonly event: NewEvent
  readonly data: string
  readonly metadata: string
}

const serialise = (event: NewEvent): SerialisedEvent => {
  if (event.type.trim() === '') throw invalidEvent('an event needs a type')
  if (!UUID.test(event.id)) throw invalidEvent(`event id ${JSON.stringify(event.id)} is not a lower-case UUID`)
  return { event, data: strictJson(event, 'data'), metadata: strictJson(event, 'metadata') }
}

const assertIdsDiffer = (events: readonly NewEvent[]): void => {
  const ids = new Set<string>()
  for (const { id } of events) {
    if (ids.has(id)) throw invalidEvent(`event id ${id} stands twice in one append`)
    ids.add(id)
  }
}

/** Most bytes that a character of a string takes in UTF-8. */
const BYTES_PER_CHARACTER = 3

/** Counts bytes only where there are so many characters that it matters: it takes as long as writing them. */
const assertSizes = (stream: string, events: readonly SerialisedEvent[]): void => {
  const characters = events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0)
  if (characters * BYTES_PER_CHARACTER <= MAX_EVENT_BYTES) return
  let total = 0
  for (const { event, data, metadata } of events) {
    const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata)
    if (bytes > MAX_EVENT_BYTES) throw eventTooLarge(`event ${event.type}`, bytes, MAX_EVENT_BYTES)
    total += bytes
  }
  if (total > MAX_APPEND_BYTES) throw eventTooLarge(`an append to ${stream}`, total, MAX_APPEND_BYTES)
}

/**
 * Checks everything an append must satisfy before any log sees it, and serialises the events on the way.
 * @throws InvalidEvent, EventTooLarge
 */
export const validateAppend = (stream: string, events: readonly NewEvent[]): readonly SerialisedEvent[] => {
  assertStreamName(stream)
  if (events.length === 0) throw invalidEvent('an append needs at least one event')
  if (events.length > 1) assertIdsDiffer(events)
  const serialised = events.map(serialise)
  assertSizes(stream, serialised)
  return serialised
}
