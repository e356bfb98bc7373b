import { type Kysely, Migrator, sql } from 'kysely'
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

/** Brings the schema up to date, and back where parts of it were dropped. Callers see to it that one program does so at a time. @throws database-newer */
export const migrate = async (db: Kysely<Tables>): Promise<void> => {
  const [there] = (
    await sql<{ migrated: boolean; live: boolean }>`
      select to_regclass('mcpctl.migrations') is not null as migrated,
        to_regclass('live.checkpoint') is not null as live`.execute(db)
  ).rows
  if (there?.migrated === true) {
    // The migrator's own look at the schema takes many statements: not on every start.
    const { rows } = await sql<{ name: string }>`select name from mcpctl.migrations order by name`.execute(db)
    const known = Object.keys(await readModelMigrations.getMigrations())
    const unknown = rows.find(({ name }) => !known.includes(name))
    if (unknown !== undefined) throw databaseNewer(`it has the migration ${unknown.name}`)
    if (!there.live) await createLive(db)
    if (rows.length === known.length) return
  }
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
