import { CompiledQuery, type Kysely, Migrator, sql } from 'kysely'
import { coded } from '../../domain/kernel/errors.ts'
import { createLive, readModelMigrations } from '../../migrations/read-models.ts'
import type { Tables } from '../../projections/tables.ts'

/** 503: the database was migrated by a version of mcpd that this one does not know. */
export const databaseNewer = coded(
  'database-newer',
  503,
  'The database belongs to a newer version of mcpd',
  (reason: string) => ({
    message: `the read models' database cannot be used by this version of mcpd: ${reason}`,
    hint: 'Run the newer version, or give this one an empty database: it is filled again from the log',
  }),
)

/** What migrations make in the schema `mcpctl`, and the migrator's own tables: all of it is there, or nothing is of use. */
const PARTS = ['mcpctl.migrations', 'mcpctl.migrations_lock', 'mcpctl.generations', 'mcpctl.generation_numbers']
const LIVE = 'live.checkpoint'

/**
 * Brings the schema up to date. Where somebody dropped parts of it everything is made anew: the log has all the rows.
 * Callers see to it that one program does so at a time. @throws database-newer
 */
export const migrate = async (db: Kysely<Tables>): Promise<void> => {
  const there = await existing(db, [...PARTS, LIVE])
  // The migrator's own look at the schema takes many statements: not on every start.
  const done = there.includes('mcpctl.migrations')
    ? (await sql<{ name: string }>`select name from mcpctl.migrations order by name`.execute(db)).rows
    : []
  const known = Object.keys(await readModelMigrations.getMigrations())
  const unknown = done.find(({ name }) => !known.includes(name))
  if (unknown !== undefined) throw databaseNewer(`it has the migration ${unknown.name}`)
  if (done.length === known.length && PARTS.every((part) => there.includes(part))) {
    if (!there.includes(LIVE)) await createLive(db)
    return
  }
  const isOlder = done.length > 0 && done.length < known.length
  if (!isOlder && there.length > 0) await dropEverything(db)
  const migrator = new Migrator({
    db,
    provider: readModelMigrations,
    migrationTableSchema: 'mcpctl',
    migrationTableName: 'migrations',
    migrationLockTableName: 'migrations_lock',
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

/** Those of the tables, views and sequences that the database has. */
const existing = async (db: Kysely<Tables>, names: readonly string[]): Promise<readonly string[]> => {
  const { rows } = await sql<{ name: string }>`
    select name from unnest(${names}::text[]) as name where to_regclass(name) is not null`.execute(db)
  return rows.map(({ name }) => name)
}

/** Takes away what is left of our schemas. Generations without an entry are dropped by the projector. */
const dropEverything = async (db: Kysely<Tables>): Promise<void> => {
  await db.executeQuery(CompiledQuery.raw('drop schema if exists live cascade'))
  await db.executeQuery(CompiledQuery.raw('drop schema if exists mcpctl cascade'))
}
