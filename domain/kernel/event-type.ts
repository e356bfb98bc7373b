import type { z } from 'zod'
import type { Recorded } from './decider.ts'
import { coded } from './errors.ts'
import type { DomainEvent, RecordedEvent } from './event.ts'
import type { JsonObject } from './json.ts'

/** One type of event: its present version and schema, and how payloads of older versions become the present one. */
export interface EventType {
  readonly type: string
  /** The present version, ≥ 1. */
  readonly version: number
  /** Categories of the streams it may stand on. */
  readonly categories: readonly string[]
  /** One line for the events reference. */
  readonly summary: string
  readonly schema: z.ZodType
  /** `upcasts[0]` turns version 1 into 2, and so on: exactly `version - 1` of them. */
  readonly upcasts: readonly ((old: JsonObject) => JsonObject)[]
}

/**
 * Defines a type of event. Stored events are forever: to change a payload, raise `version` and add an upcast.
 *
 * @example
 * export const instanceStarted = eventType({
 *   type: 'InstanceStarted', version: 1, categories: ['instance'], summary: 'A copy answered `initialize`',
 *   schema: z.object({ server: z.string() }),
 * })
 */
export const eventType = <Type extends string, Schema extends z.ZodType>(
  definition: Omit<EventType, 'upcasts' | 'schema' | 'type'> & {
    type: Type
    schema: Schema
    upcasts?: EventType['upcasts']
  },
): EventType & { readonly type: Type; readonly schema: Schema } => ({ upcasts: [], ...definition })

/** The domain event that an `eventType(...)` describes. */
export type EventOf<T extends { readonly type: string; readonly schema: z.ZodType }> = T extends {
  readonly type: infer Type extends string
  readonly schema: infer Schema extends z.ZodType
}
  ? DomainEvent<Type, z.output<Schema>>
  : never

/** 503: the log holds an event that this version of mcpd does not know; nothing that depends on it goes on. */
export const unknownEvent = coded(
  'unknown-event',
  503,
  'The log holds an event that this version does not understand',
  (stream: string, revision: bigint, type: string, version: number, why: string) => ({
    message: `event ${revision} of ${stream} (${type} v${version}) cannot be read: ${why}`,
    hint: 'Run a version of mcpd that knows this event, or repair the log; then run "mcpctl admin rebuild"',
    stream,
    revision: String(revision),
  }),
)

/** All types of events there are. Made by `domain/catalog.ts`. */
export interface Catalog {
  readonly types: ReadonlyMap<string, EventType>
  /** Upcasts a stored event and gives it the shape folds see. @throws UnknownEvent */
  decode(event: RecordedEvent): Recorded
  /** Checks a new event against its schema, and that its stream may hold it. A failure is a bug of ours. */
  check(stream: string, event: DomainEvent): { readonly schemaVersion: number }
}
