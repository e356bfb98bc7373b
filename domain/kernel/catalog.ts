import type { DomainEvent, RecordedEvent } from './event.ts'
import { categoryOf } from './event-log.ts'
import { type Catalog, type EventType, unknownEvent } from './event-type.ts'
import { invalidEvent } from './log-errors.ts'

/** Builds the catalogue of all event types; a type that is defined twice is a bug and throws. */
export const createCatalog = (types: readonly EventType[]): Catalog => {
  const byType = new Map<string, EventType>()
  for (const each of types) {
    if (byType.has(each.type)) throw new Error(`event type ${each.type} is defined twice`)
    if (each.upcasts.length !== each.version - 1)
      throw new Error(`event type ${each.type} v${each.version} needs ${each.version - 1} upcasts`)
    byType.set(each.type, each)
  }
  return {
    types: byType,
    decode(event: RecordedEvent) {
      const { stream, revision, position, type, metadata } = event
      const known = byType.get(type)
      const version = metadata.schemaVersion
      if (known === undefined) throw unknownEvent(stream, revision, type, version, 'its type is unknown')
      if (!Number.isInteger(version) || version < 1 || version > known.version)
        throw unknownEvent(stream, revision, type, version, `versions 1 to ${known.version} are known`)
      if (!known.categories.includes(categoryOf(stream)))
        throw unknownEvent(stream, revision, type, version, 'it cannot stand on this stream')
      const data = known.upcasts.slice(version - 1).reduce((old, upcast) => upcast(old), event.data)
      const { occurredAt: at, actor } = metadata
      return { type, data, eventId: event.id, stream, revision, position, at, actor }
    },
    check(stream: string, event: DomainEvent) {
      const known = byType.get(event.type)
      if (known === undefined) throw invalidEvent(`type ${event.type} is not in the catalogue`)
      if (!known.categories.includes(categoryOf(stream))) throw invalidEvent(`${event.type} cannot stand on ${stream}`)
      const checked = known.schema.safeParse(event.data)
      if (!checked.success) throw invalidEvent(`${event.type}: ${checked.error.message}`)
      return { schemaVersion: known.version }
    },
  }
}
