import { Kysely } from 'kysely'
import { type Clock, systemClock } from '../../domain/kernel/clock.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Catalog } from '../../domain/kernel/event-type.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import type { Tables } from '../../projections/tables.ts'
import { CommitSignal } from '../../queries/commit-signal.ts'
import { createQueries } from '../../queries/queries.ts'
import type { ReadSide } from '../../queries/read-side.ts'
import { readModelStatus } from '../../queries/status.ts'
import { channelDialect } from './dialect.ts'
import type { HostOptions, ReadHost } from './read-host.ts'
import { type ReadThread, startReadThread } from './read-thread.ts'
import type { LogLocation } from './thread-messages.ts'

export type { LogLocation } from './thread-messages.ts'

export type DatabaseLocation =
  /** Embedded, in a thread of its own that knows the kinds of `domain/registry.ts`. The folder is disposable. */
  | { readonly kind: 'pglite'; readonly folder: string }
  /** The same, in a thread that was started before. It is closed with the read side. */
  | { readonly kind: 'thread'; readonly thread: ReadThread }
  /** Embedded on this thread, for made-up kinds; in memory without a folder. */
  | { readonly kind: 'pglite-here'; readonly folder?: string }
  | { readonly kind: 'postgres'; readonly url: string }

export interface ReadSideOptions {
  /** This thread's log: for the head, and for the projector where that runs here. */
  readonly log: EventLog
  /** Where the projector's own thread finds the same log. */
  readonly logLocation: LogLocation
  readonly database: DatabaseLocation
  readonly registry: Registry
  readonly catalog: Catalog
  readonly logger: Logger
  readonly clock?: Clock
}

/**
 * Opens the database, starts following the log, and answers queries. Returns once the database was tried, not once rows
 * are there: `waitFor` and `status` tell. With a thread that was started before it returns at once: until `opened`, all
 * queries are refused.
 *
 * @throws postgres-too-old, postgres-refused, database-newer: what waiting would not mend
 * @example
 * const readSide = await openReadSide({ log, logLocation, database: { kind: 'pglite', folder }, registry, catalog, logger })
 * await readSide.waitFor(position)
 * const { items, asOf } = await readSide.queries.list({ kind: 'server' })
 */
export const openReadSide = async (options: ReadSideOptions): Promise<ReadSide> => {
  const { clock = systemClock, log, logger, logLocation, database } = options
  if (database.kind === 'pglite') {
    const thread = startReadThread({ logger, logLocation, folder: database.folder })
    await thread.opened
    return openReadSide({ ...options, database: { kind: 'thread', thread } })
  }
  const commits = database.kind === 'thread' ? database.thread.commits : new CommitSignal()
  const host = await openHost(database, { ...options, clock, commits })
  let closed: Promise<void> | undefined
  return {
    queries: createQueries(host.db, commits),
    waitFor: (position, wait) => commits.waitFor(position, wait),
    status: async () => [await readModelStatus(host.db, log, clock)],
    async rebuild() {
      await host.rebuild()
      return { readModel: 'resources', requested: true }
    },
    changes: (listener) => commits.changes(listener),
    close() {
      closed ??= host.close()
      return closed
    },
  }
}

/** Each host is loaded when it is chosen: one loads PGlite, another `pg`, and a program needs one of them. */
const openHost = async (
  database: Exclude<DatabaseLocation, { kind: 'pglite' }>,
  options: HostOptions,
): Promise<ReadHost> => {
  switch (database.kind) {
    case 'postgres':
      return (await import('./postgres-host.ts')).openPostgresHost(database.url, options)
    case 'pglite-here':
      return (await import('./pglite-host.ts')).openPGliteHost(database.folder, options)
    case 'thread': {
      const { channel, rebuild, close } = database.thread
      return { db: new Kysely<Tables>({ dialect: channelDialect(channel, { transactions: false }) }), rebuild, close }
    }
  }
}
