import { categoryOf, idOf } from '../domain/kernel/event-log.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import type { ResourceRow } from '../domain/kernel/resource.ts'
import type { Key, ReadModel } from './read-model.ts'

/** One table for the resources of all kinds: each kind's own fold makes its rows. */
export const resources = (registry: Registry): ReadModel<ResourceRow> => {
  const kinds = new Map(registry.kinds.map((kind) => [kind.kind, kind]))
  return {
    table: 'resources',
    version: 3,
    key: ['kind', 'name'],
    columns: [
      { name: 'kind', type: 'text' },
      { name: 'name', type: 'text' },
      { name: 'uid', type: 'text' },
      { name: 'revision', type: 'bigint' },
      { name: 'position', type: 'bigint' },
      { name: 'labels', type: 'jsonb' },
      { name: 'spec', type: 'json' },
      { name: 'status', type: 'json' },
      { name: 'createdAt', type: 'text' },
      { name: 'updatedAt', type: 'text' },
      { name: 'createdBy', type: 'text' },
      { name: 'updatedBy', type: 'text' },
    ],
    indexes: [`((spec ->> 'server'), name) where kind = 'instance'`],
    insertOnly: false,
    keys(event) {
      const keys: Key[] = []
      const category = categoryOf(event.stream)
      for (const kind of registry.kinds) {
        const names = new Set(kind.observes(event))
        if (kind.kind === category) names.add(idOf(event.stream))
        for (const name of names) keys.push([kind.kind, name])
      }
      return keys
    },
    evolve(row, event, [kind = '']) {
      return kinds.get(kind)?.fold(row, event)
    },
  }
}
