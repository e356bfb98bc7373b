import { createHash } from 'node:crypto'
import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { Position } from '../domain/kernel/event.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import type { ReadModel } from './read-model.ts'
import { schemaOf, tableStatements } from './statements.ts'
import { BEGINNING, type GenerationRow, type ProjectionError, type Tables } from './tables.ts'

/** What must be alike for rows to be kept, and for rows to be read. */
export interface Identity {
  readonly fingerprint: string
  readonly shape: string
}

const hash = (value: unknown): string => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32)

export const identityOf = (models: readonly ReadModel[], registry: Registry): Identity => ({
  fingerprint: hash([
    models.map(({ table, version }) => [table, version]),
    registry.kinds.map(({ kind }) => kind).sort(),
  ]),
  shape: hash(models.map(({ table, columns }) => [table, columns])),
})

export const liveGeneration = async (db: Kysely<Tables>): Promise<GenerationRow | undefined> =>
  db.selectFrom('mcpctl.generations').selectAll().where('state', '=', 'live').executeTakeFirst()

/** Somebody dropped tables or views of the live generation: it is to be forgotten and built anew. */
export class TablesGone extends Error {
  constructor() {
    super('tables of the live read models are gone')
    this.name = 'TablesGone'
  }
}

/** Whether all tables and views of the live generation, if there is one, are there: in one statement, as a switch may come in between. */
export const isLiveWhole = async (db: Kysely<Tables>, models: readonly ReadModel[]): Promise<boolean> => {
  const places = ['live.checkpoint', ...models.flatMap(({ table }) => [`live."${table}"`, `rm_%s."${table}"`])]
  const { rows } = await sql<{ whole: boolean | null }>`
    select bool_and(to_regclass(format(place, number)) is not null) as whole
    from mcpctl.generations, unnest(${places}::text[]) as place where state = 'live'`.execute(db)
  return rows[0]?.whole !== false
}

/** Takes away what a program that died left behind: generations under way, and schemas that belong to none. */
export const dropLeftOvers = async (db: Kysely<Tables>): Promise<void> => {
  await db.deleteFrom('mcpctl.generations').where('state', '=', 'building').execute()
  const { rows } = await sql<{ nspname: string }>`
    select nspname from pg_namespace where nspname ~ '^rm_[0-9]+$'
    and nspname not in (select 'rm_' || number from mcpctl.generations where state = 'live')`.execute(db)
  for (const { nspname } of rows) await dropSchema(db, nspname)
}

const dropSchema = async (db: Kysely<Tables>, schema: string): Promise<void> => {
  await db.executeQuery(CompiledQuery.raw(`drop schema if exists ${schema} cascade`))
}

/** Makes an empty generation beside what there is. An earlier one that failed is forgotten. */
export const createGeneration = async (
  db: Kysely<Tables>,
  models: readonly ReadModel[],
  identity: Identity,
  target: Position,
  startedAt: Date,
): Promise<bigint> =>
  db.transaction().execute(async (tx) => {
    await tx.deleteFrom('mcpctl.generations').where('state', '=', 'failed').execute()
    const { rows } = await sql<{ number: bigint }>`select nextval('mcpctl.generation_numbers') as number`.execute(tx)
    const number = rows[0]?.number ?? 0n
    const schema = schemaOf(number)
    await tx.executeQuery(CompiledQuery.raw(`create schema ${schema}`))
    for (const model of models)
      for (const statement of tableStatements(schema, model).create) await tx.executeQuery(CompiledQuery.raw(statement))
    const row = { number, ...identity, state: 'building', target, startedAt: startedAt.toISOString() } as const
    await tx
      .insertInto('mcpctl.generations')
      .values({ ...row, checkpoint: BEGINNING, events: 0n, error: null })
      .execute()
    return number
  })

/**
 * Makes a generation the live one: from its commit on every reader, in every program, sees it. Readers reach tables by
 * the views alone and name `live.checkpoint` first; locking the views in the models' order cannot deadlock with them.
 * Whoever waits for the lock has its statement planned anew, so that no answer mixes two generations.
 */
export const switchTo = async (
  db: Kysely<Tables>,
  models: readonly ReadModel[],
  number: bigint,
  checkpoint: Position,
  notify?: { readonly channel: string; readonly payload: string },
): Promise<void> => {
  const old = await liveGeneration(db)
  await db.transaction().execute(async (tx) => {
    await tx.deleteFrom('mcpctl.generations').where('state', '=', 'live').execute()
    await tx.updateTable('mcpctl.generations').set({ state: 'live', checkpoint }).where('number', '=', number).execute()
    for (const { table } of models) {
      await tx.executeQuery(CompiledQuery.raw(`drop view if exists live."${table}"`))
      const source = `${schemaOf(number)}."${table}"`
      await tx.executeQuery(CompiledQuery.raw(`create view live."${table}" as select * from ${source}`))
    }
    if (notify !== undefined) await sql`select pg_notify(${notify.channel}, ${notify.payload})`.execute(tx)
  })
  if (old !== undefined) await dropSchema(db, schemaOf(old.number))
}

/** Takes a live generation away that the queries of this program cannot read: other columns, or tables that are gone. */
export const retire = async (db: Kysely<Tables>, models: readonly ReadModel[], number: bigint): Promise<void> => {
  await db.transaction().execute(async (tx) => {
    for (const { table } of models) await tx.executeQuery(CompiledQuery.raw(`drop view if exists live."${table}"`))
    await tx.deleteFrom('mcpctl.generations').where('number', '=', number).execute()
  })
  await dropSchema(db, schemaOf(number))
}

/** Notes why a generation stopped; `failed` also gives a generation under way up. */
export const noteError = async (
  db: Kysely<Tables>,
  number: bigint,
  error: ProjectionError,
  failed: boolean,
): Promise<void> => {
  await db
    .updateTable('mcpctl.generations')
    .set({
      error: JSON.stringify(error) as unknown as ProjectionError,
      ...(failed ? { state: 'failed' as const } : {}),
    })
    .where('number', '=', number)
    .execute()
  if (failed) await dropSchema(db, schemaOf(number))
}

/** Forgets why a generation stopped. */
export const clearError = async (db: Kysely<Tables>, number: bigint): Promise<void> => {
  await db.updateTable('mcpctl.generations').set({ error: null }).where('number', '=', number).execute()
}
