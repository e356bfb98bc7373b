import type { Recorded } from '../domain/kernel/decider.ts'
import { categoryOf, idOf } from '../domain/kernel/event-log.ts'
import type { JsonObject } from '../domain/kernel/json.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'
import type { Labels } from '../domain/kernel/name.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import type { ReadModel } from './read-model.ts'
import type { HistoryRow } from './tables.ts'

/** Every declared revision of every resource: what `history`, `diff` and time travel read instead of the log. */
export const history = (registry: Registry): ReadModel<HistoryRow> => {
  const kinds = new Map(registry.kinds.map((kind) => [kind.kind, kind]))
  return {
    table: 'history',
    version: 1,
    key: ['kind', 'name', 'revision'],
    columns: [
      { name: 'kind', type: 'text' },
      { name: 'name', type: 'text' },
      { name: 'revision', type: 'bigint' },
      { name: 'position', type: 'bigint' },
      { name: 'at', type: 'text' },
      { name: 'actor', type: 'text' },
      { name: 'type', type: 'text' },
      { name: 'uid', type: 'text' },
      { name: 'labels', type: 'jsonb' },
      { name: 'spec', type: 'json', nullable: true },
    ],
    indexes: [],
    insertOnly: true,
    keys(event) {
      const kind = kinds.get(categoryOf(event.stream))
      if (kind === undefined || !isDeclaration(kind, event)) return []
      return [[kind.kind, idOf(event.stream), String(event.revision)]]
    },
    evolve(_row, event, [kind = '', name = '']) {
      const definition = kinds.get(kind)
      return definition === undefined ? undefined : revisionOf(definition, name, event)
    },
  }
}

const isDeclaration = ({ eventPrefix }: KindDefinition, { type }: Recorded): boolean =>
  eventPrefix !== undefined && (type === `${eventPrefix}Declared` || type === `${eventPrefix}Deleted`)

const revisionOf = (kind: KindDefinition, name: string, event: Recorded): HistoryRow => {
  const deleted = event.type === `${kind.eventPrefix}Deleted`
  const { uid, spec, labels } = event.data as { uid: string; spec: JsonObject; labels: Labels }
  return {
    kind: kind.kind,
    name,
    revision: event.revision,
    position: event.position,
    at: event.at,
    actor: `${event.actor.kind}:${event.actor.name}`,
    type: event.type,
    uid,
    labels: deleted ? {} : labels,
    spec: deleted ? null : kind.present(spec),
  }
}
