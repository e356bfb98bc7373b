import type { AllStreamResolvedEvent, Position as ClientPosition, ResolvedEvent } from '@eventstore/db-client'
import type { EventMetadata, Position, RecordedEvent } from '../../domain/kernel/event.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'

/** An event as the client gives it: of a stream or of `$all`. */
export type Resolved = ResolvedEvent | AllStreamResolvedEvent

/** Servers write 2⁶⁴−1 for a position they do not know. */
const UNKNOWN_POSITION = 2n ** 63n

const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

const isMetadata = (value: unknown): value is EventMetadata & JsonObject => isJsonObject(value)

/** Position of an event in the log: that of its commit. Undefined for events of old explicit transactions, never ours. */
export const positionOf = ({ event, commitPosition }: Resolved): Position | undefined => {
  const position = event?.position?.commit ?? commitPosition
  return position === undefined || position >= UNKNOWN_POSITION ? undefined : position
}

/** The same position as the client takes it. Commit and prepare are one for whatever is appended in one request. */
export const clientPosition = (position: Position): ClientPosition => ({ commit: position, prepare: position })

/**
 * The event as the port has it, or undefined when it cannot have been written through the port: the server's own, and
 * events of other programs that are not JSON objects with metadata.
 */
export const toRecorded = (resolved: Resolved): RecordedEvent | undefined => {
  const { event } = resolved
  const position = positionOf(resolved)
  if (event === undefined || position === undefined || !event.isJson) return undefined
  const { id, type, streamId: stream, revision, data, metadata } = event
  if (stream.startsWith('$') || type.startsWith('$')) return undefined
  if (!isJsonObject(data) || !isMetadata(metadata)) return undefined
  return { id, type, data, metadata, stream, revision, position }
}
