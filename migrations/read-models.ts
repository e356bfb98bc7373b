import { type Kysely, type Migration, type MigrationProvider, type QueryExecutorProvider, sql } from 'kysely'

/** Makes what readers name first, also where somebody dropped it from a database that has every migration. */
export const createLive = async (db: QueryExecutorProvider): Promise<void> => {
  await sql`create schema if not exists live`.execute(db)
  await sql`
    create or replace view live.checkpoint as
    select checkpoint, number as generation from mcpctl.generations where state = 'live'`.execute(db)
}

/**
 * The schema that outlives generations: which of them there are, and the views of the live one. Tables of rows are made
 * by each generation. A migration that has been released is never edited: add another.
 */
const migrations: Readonly<Record<string, Migration>> = {
  '0001-generations': {
    async up(db: Kysely<unknown>) {
      await sql`
        create table mcpctl.generations (
          number bigint primary key,
          fingerprint text not null,
          shape text not null,
          state text not null check (state in ('building', 'live', 'failed')),
          checkpoint bigint not null default -1,
          events bigint not null default 0,
          target bigint not null,
          "startedAt" text not null,
          error jsonb
        )`.execute(db)
      await sql`create unique index on mcpctl.generations (state) where state = 'live'`.execute(db)
      await sql`create sequence mcpctl.generation_numbers`.execute(db)
      await createLive(db)
    },
  },
}

export const readModelMigrations: MigrationProvider = { getMigrations: async () => ({ ...migrations }) }
