import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import type pg from 'pg'
import { CodedError } from '../../domain/kernel/errors.ts'
import { pause } from '../../domain/kernel/pause.ts'
import { backoff } from '../../projections/backoff.ts'
import { type Commit, decodeCommit } from '../../projections/commit.ts'
import { liveGeneration } from '../../projections/generations.ts'
import { type Projector, runProjector } from '../../projections/projector.ts'
import type { Tables } from '../../projections/tables.ts'
import { asUnavailable } from '../../queries/errors.ts'
import { channelDialect } from './dialect.ts'
import { kindsOf } from './kinds-of.ts'
import { databaseNewer, migrate } from './migrate.ts'
import { connectProjector, placeOf, postgresRefused, postgresTooOld, reasonOf } from './postgres-connection.ts'
import type { HostOptions, ReadHost } from './read-host.ts'
import { createReaders } from './readers.ts'

/** Channels of LISTEN/NOTIFY: commits to all, requests to whoever projects. */
const COMMITS = 'mcpctl_commits'
const REQUESTS = 'mcpctl_requests'
/** Advisory locks, by (class, object): one program migrates, one projects. */
const LOCK_CLASS = 0x6d637063
const MIGRATING = 1
const PROJECTING = 2
/** How often a program that does not project asks whether it should, in ms. */
const TAKE_OVER_MS = 500
/** How often the one that projects looks whether its tables are still there, in ms. */
const WATCH_MS = 2000
/** A connection that held for this long was healthy: its end is the first failure, not one more in a row. In ms. */
const HEALTHY_MS = 10_000

/**
 * Rows on a Postgres server that several mcpd may share: each reads and listens, one — the holder of an advisory lock —
 * projects, and another takes over when its connection is gone. Outages are waited out.
 *
 * @returns after the first attempt to connect, whether it worked or not. @throws postgres-too-old, postgres-refused, database-newer
 */
export const openPostgresHost = async (url: string, options: HostOptions): Promise<ReadHost> => {
  const { logger, commits, registry, clock } = options
  const database = placeOf(url)
  const stop = new AbortController()
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: createReaders(url, database, logger) }) })
  let projector: Projector | undefined

  /** One life of the connection; `worked` is called for each commit. */
  const session = async (opened: () => void, worked: () => void): Promise<void> => {
    const lost = new AbortController()
    const signal = AbortSignal.any([lost.signal, stop.signal])
    const client = await connectProjector(url, (error) => lost.abort(error))
    try {
      const own = new Kysely<Tables>({ dialect: channelDialect(client, { transactions: true }) })
      await underLock(client, MIGRATING, () => migrate(own))
      client.on('notification', (message) => heard(message, client, signal))
      await client.query(`listen ${COMMITS}`)
      await client.query(`listen ${REQUESTS}`)
      const live = await liveGeneration(own)
      commits.reset(live?.checkpoint, kindsOf(registry))
      opened()
      if (!(await becomeProjector(client, signal))) return
      logger.info({}, 'this mcpd keeps the read models')
      const { log, catalog } = options
      const onCommit = (commit: Commit): void => {
        worked()
        commits.advance(commit)
      }
      await runProjector(
        { db: own, log, registry, catalog, logger, clock, channel: COMMITS, watchMs: WATCH_MS, onCommit },
        signal,
        (it) => {
          projector = it
        },
      )
    } finally {
      projector = undefined
      client.removeAllListeners('end')
      await client.end().catch(() => undefined) // it may be broken already
    }
    if (lost.signal.aborted && !stop.signal.aborted) throw lost.signal.reason
  }

  const heard = (
    { channel, payload = '', processId }: pg.Notification,
    client: pg.Client,
    signal: AbortSignal,
  ): void => {
    if (signal.aborted) return
    if (channel === REQUESTS) {
      projector?.rebuild()
      return
    }
    // Our own commits are known already. (`processID` is in the client but not in its types.)
    if (projector !== undefined && 'processID' in client && client.processID === processId) return
    const commit = decodeCommit(payload)
    if (commit === undefined) logger.warn({ database }, 'a notification that no mcpd sends was passed over')
    else commits.advance(commit)
  }

  let tell: { opened(): void; refused(error: unknown): void } = { opened: () => undefined, refused: () => undefined }
  const opening = new Promise<void>((resolve, reject) => {
    tell = { opened: resolve, refused: reject }
  })

  const supervise = async (): Promise<void> => {
    for (let failures = 0; !stop.signal.aborted; ) {
      const since = clock.now().getTime()
      try {
        // To be connected is not enough: what fails at every first statement is not to be tried without a pause.
        await session(tell.opened, () => {
          failures = 0
        })
      } catch (error) {
        failures = clock.now().getTime() - since > HEALTHY_MS ? 1 : failures + 1
        if (isFinal(error)) tell.refused(error)
        logger.warn({ reason: reasonOf(error), database, failures }, 'the read models wait for the database')
        tell.opened()
        await backoff(failures, stop.signal)
      }
    }
  }
  const supervised = supervise()

  const close = async (): Promise<void> => {
    stop.abort()
    await supervised
    await db.destroy()
  }
  await opening.catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    db,
    async rebuild() {
      if (projector !== undefined) return projector.rebuild()
      await db.executeQuery(CompiledQuery.raw(`select pg_notify('${REQUESTS}', 'rebuild')`)).catch((error: unknown) => {
        throw asUnavailable(error)
      })
    },
    close,
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof CodedError && [postgresTooOld.code, postgresRefused.code, databaseNewer.code].includes(error.code)

const underLock = async (client: pg.Client, lock: number, run: () => Promise<void>): Promise<void> => {
  await client.query('select pg_advisory_lock($1, $2)', [LOCK_CLASS, lock])
  try {
    await run()
  } finally {
    await client.query('select pg_advisory_unlock($1, $2)', [LOCK_CLASS, lock])
  }
}

/** Resolves with true once this connection holds the projector's lock, with false when `signal` aborts. */
const becomeProjector = async (client: pg.Client, signal: AbortSignal): Promise<boolean> => {
  while (!signal.aborted) {
    const { rows } = await client.query<{ got: boolean }>('select pg_try_advisory_lock($1, $2) as got', [
      LOCK_CLASS,
      PROJECTING,
    ])
    if (rows[0]?.got === true) return true
    await pause(TAKE_OVER_MS, signal)
  }
  return false
}
