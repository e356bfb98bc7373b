import type { JsonObject } from './json.ts'

/** A fact in the past tense: what a decider answers and what `evolve` is given. `data` is plain JSON. */
export interface DomainEvent<Type extends string = string, Data = JsonObject> {
  readonly type: Type
  readonly data: Data
}

/** Who caused an event. `system` is mcpd itself: seeds, reactors, the reconciler. */
export interface Actor {
  readonly kind: 'User' | 'ServiceAccount' | 'McpToken' | 'System'
  readonly name: string
  /** First 12 hex digits of the SHA-256 of the credential that was used; never the credential. */
  readonly tokenSha?: string
}

/** Stored beside each event. Everything but the payload that a reader of the log needs. */
export interface EventMetadata {
  /** Version of the payload's schema in the catalogue, ≥ 1. */
  readonly schemaVersion: number
  /** ISO 8601 in UTC with milliseconds; mcpd's clock when the command was accepted. Not an order: positions are. */
  readonly occurredAt: string
  readonly actor: Actor
  /** UUID of the command; the same for a repeated `Idempotency-Key` of the same principal. */
  readonly commandId: string
  /** UUID shared by all that follows from one request. */
  readonly correlationId: string
  /** Id of the command or event that led to this one. */
  readonly causationId: string
  /** SHA-256 (hex) of the request that made this event, so that a key repeated with another body is refused. */
  readonly requestHash?: string
  /** W3C trace context of the request, when it had one. */
  readonly traceparent?: string
}

/** Where an event is in the whole log. Only grows; has gaps; a decimal string in JSON. */
export type Position = bigint
/** Where an event is in its stream: 0, 1, 2, … without gaps; a decimal string in JSON. */
export type Revision = bigint

/** An event to append. `id` is a UUID, derived from (command id, index) so that a repeat has one effect. */
export interface NewEvent {
  readonly id: string
  readonly type: string
  readonly data: JsonObject
  readonly metadata: EventMetadata
}

/** An event as the log keeps it. */
export interface RecordedEvent extends NewEvent {
  readonly stream: string
  readonly revision: Revision
  readonly position: Position
}
