import { CompiledQuery, type Kysely } from 'kysely'
import { catalog } from '../../domain/catalog.ts'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import { type Change, foldSteps, plan } from '../../projections/fold.ts'
import { BATCH_EVENTS, readModels } from '../../projections/projector.ts'
import type { ReadModel } from '../../projections/read-model.ts'
import type { Tables } from '../../projections/tables.ts'

/** How long the bare database takes for the rows of all batches that a rebuild writes, in ms. */
export const rawUpserts = async (db: Kysely<Tables>, log: EventLog): Promise<number> => {
  const models = readModels(createRegistry(kinds))
  const run = (text: string, parameters: readonly unknown[] = []) =>
    db.executeQuery(CompiledQuery.raw(text, [...parameters]))
  await run('drop schema if exists raw cascade')
  await run('create schema raw')
  for (const { table, columns, key } of models)
    await run(
      `create table raw."${table}" (${columns.map(({ name, type }) => `"${name}" ${type}`).join(', ')}, primary key (${key.map((name) => `"${name}"`).join(', ')}))`,
    )
  const rows = new Map(models.map((model) => [model, new Map<string, object>()]))
  let ms = 0
  const write = async (batch: readonly RecordedEvent[]): Promise<void> => {
    const { changes } = foldSteps(models, plan(models, catalog, batch).steps, (model, id) => rows.get(model)?.get(id))
    for (const [model, changed] of changes)
      for (const [id, { row }] of changed) {
        if (row === undefined) rows.get(model)?.delete(id)
        else if (!model.insertOnly) rows.get(model)?.set(id, row)
      }
    const statements = [...changes].flatMap(([model, changed]) => statementsOf(model, [...changed.values()]))
    const began = performance.now()
    await db.transaction().execute(async (tx) => {
      for (const [text, parameters] of statements) await tx.executeQuery(CompiledQuery.raw(text, [...parameters]))
    })
    ms += performance.now() - began
  }
  let batch: RecordedEvent[] = []
  for await (const event of log.readAll()) {
    batch.push(event)
    if (batch.length < BATCH_EVENTS) continue
    await write(batch)
    batch = []
  }
  await write(batch)
  return ms
}

type Statement = readonly [text: string, parameters: readonly unknown[]]

const statementsOf = (model: ReadModel, changes: readonly Change[]): readonly Statement[] => {
  const table = `raw."${model.table}"`
  const values = changes.flatMap(({ row }) => (row === undefined ? [] : [row as Readonly<Record<string, unknown>>]))
  const gone = changes.flatMap(({ row, key }) => (row === undefined ? [key] : []))
  const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ')
  const statements: Statement[] = []
  if (values.length > 0) {
    const source = model.columns.map(({ type }, i) => `$${i + 1}::${type === 'bigint' ? 'bigint' : 'text'}[]`)
    const selected = model.columns.map(({ type }, i) => (type.startsWith('json') ? `c${i}::${type}` : `c${i}`))
    const names = model.columns.map((_, i) => `c${i}`)
    const updates = model.columns.map(({ name }) => `"${name}" = excluded."${name}"`)
    const text =
      `insert into ${table} (${list(model.columns.map(({ name }) => name))}) select ${selected.join(', ')} ` +
      `from unnest(${source.join(', ')}) as x(${names.join(', ')}) on conflict (${list(model.key)}) do update set ${updates.join(', ')}`
    const columns = model.columns.map(({ name, type }) =>
      values.map((row) => {
        const value = row[name]
        if (value === null || value === undefined) return null
        return type.startsWith('json') ? JSON.stringify(value) : String(value)
      }),
    )
    statements.push([text, columns])
  }
  if (gone.length > 0) {
    const source = model.key.map((_, i) => `$${i + 1}::text[]`)
    const text = `delete from ${table} where (${list(model.key)}) in (select * from unnest(${source.join(', ')}))`
    statements.push([text, model.key.map((_, i) => gone.map((key) => key[i]))])
  }
  return statements
}
