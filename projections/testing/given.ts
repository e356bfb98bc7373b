import { catalog } from '../../domain/catalog.ts'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import { foldSteps, plan } from '../fold.ts'
import { readModels } from '../projector.ts'

export const registry = createRegistry(kinds)

/** One event as the log has it: `[stream, type, data]`. */
export type Told = readonly [stream: string, type: string, data: JsonObject]

/** Numbers events as a log does: positions from 1, revisions from 0 in each stream. */
export const recorded = (told: readonly Told[]): readonly RecordedEvent[] => {
  const next = new Map<string, bigint>()
  return told.map(([stream, type, data], i) => {
    const revision = next.get(stream) ?? 0n
    next.set(stream, revision + 1n)
    const id = `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`
    const metadata = {
      schemaVersion: 1,
      occurredAt: `2026-03-01T12:00:00.${String(i % 1000).padStart(3, '0')}Z`,
      actor: { kind: 'User', name: 'ada' } as const,
      commandId: id,
      correlationId: id,
      causationId: id,
    }
    return { id, type, data, metadata, stream, revision, position: BigInt(i + 1) }
  })
}

/** The rows that events make, by table, and where they stopped; no database. */
export const given = (told: readonly Told[]) => {
  const models = readModels(registry)
  const events = recorded(told)
  const { steps, poison } = plan(models, catalog, events)
  const { changes, handled, failure } = foldSteps(models, steps, () => undefined)
  const rows = (table: string): readonly object[] =>
    [...changes].flatMap(([model, all]) =>
      model.table === table ? [...all.values()].flatMap(({ row }) => (row === undefined ? [] : [row])) : [],
    )
  return { resources: rows('resources'), history: rows('history'), handled, failure: failure?.cause ?? poison?.cause }
}
