import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Kysely } from 'kysely'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import { channelDialect } from '../adapters/postgres/dialect.ts'
import { openPGlite } from '../adapters/postgres/pglite.ts'
import { connectProjector } from '../adapters/postgres/postgres-connection.ts'
import { postgresPrograms, startCluster } from '../adapters/postgres/testing/cluster.ts'
import type { Tables } from '../projections/tables.ts'
import { median } from './parts/measure.ts'
import { fillLog } from './parts/mixed-events.ts'
import { rawUpserts } from './parts/raw-upserts.ts'

const EVENTS = 200_000
/** Four times as many, to see whether memory grows with the log. */
const EVENTS_LONG = 800_000
const ROUNDS = 3
const CHILD = fileURLToPath(new URL('./parts/rebuild-child.ts', import.meta.url))
const quiet = { debug: () => undefined, info: () => undefined, warn: console.error, error: console.error }

/**
 * Fills rows from a log of mixed events, through the thread and the code that mcpd uses, beside multi-row upserts of the
 * same rows on the bare database; all in events a second. `peak_mb` is the filling process's own memory (node, log,
 * PGlite), `peak_long_mb` the same with four times the log. The Postgres is a cluster of the bench's own, without fsync.
 */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-rebuild-'))
  const programs = await postgresPrograms()
  const cluster = programs === undefined ? undefined : await startCluster(programs)
  try {
    const logFolder = join(folder, 'log')
    const events = await fill(logFolder, EVENTS)
    const runs: Record<string, number[]> = { pglite: [], raw_pglite: [], postgres: [], raw_postgres: [] }
    const note = (name: string, ms: number): void => void runs[name]?.push(Math.round((events / ms) * 1000))
    const cpu: number[] = []
    let peak = 0
    for (let round = 0; round < ROUNDS; round += 1) {
      const filled = await rebuild(logFolder, join(folder, `rows-${round}`))
      note('pglite', filled.ms)
      peak = Math.max(peak, filled.peakMb)
      cpu.push(filled.cpuMs)
      note('raw_pglite', await rawPGlite(logFolder, join(folder, `raw-${round}`)))
      if (cluster === undefined) continue
      const url = await cluster.createDatabase(`round_${round}`)
      note('postgres', (await rebuild(logFolder, url)).ms)
      note('raw_postgres', await rawPostgres(logFolder, url))
    }
    const longFolder = join(folder, 'long')
    const eventsLong = await fill(longFolder, EVENTS_LONG)
    const long = await rebuild(longFolder, join(folder, 'rows-long'))
    return {
      events,
      ...Object.fromEntries(Object.entries(runs).map(([name, all]) => [name, all.length === 0 ? null : median(all)])),
      pglite_cpu_us_per_event: Math.round((median(cpu) / events) * 1000),
      peak_mb: peak,
      events_long: eventsLong,
      pglite_long: Math.round((eventsLong / long.ms) * 1000),
      peak_long_mb: long.peakMb,
      ...(cluster === undefined ? { postgres_note: 'no Postgres ≥ 15 is installed' } : {}),
    }
  } finally {
    await cluster?.remove()
    await rm(folder, { recursive: true, force: true })
  }
}

const fill = async (folder: string, count: number): Promise<number> => {
  const log = await openEmbeddedLog({ folder })
  const events = await fillLog(log, count)
  await log.close()
  return events
}

interface Filled {
  readonly ms: number
  /** Of all threads, starting the database included: what is left of a figure on a machine that others use too. */
  readonly cpuMs: number
  readonly peakMb: number
}

/** One filling in a process of its own. */
const rebuild = (logFolder: string, place: string): Promise<Filled> =>
  new Promise((resolve, reject) => {
    const child = fork(CHILD, [logFolder, place], { execArgv: ['--import', 'tsx'] })
    let answer: Filled | undefined
    child.on('message', (message) => {
      answer = message as Filled
    })
    child.on('exit', (code) => (answer === undefined ? reject(new Error(`ended with ${code}`)) : resolve(answer)))
  })

const rawPGlite = async (logFolder: string, rows: string): Promise<number> => {
  const database = await openPGlite(rows, quiet)
  try {
    return await onLog(logFolder, database.db)
  } finally {
    await database.close()
  }
}

const rawPostgres = async (logFolder: string, url: string): Promise<number> => {
  const client = await connectProjector(url, () => undefined)
  try {
    return await onLog(logFolder, new Kysely<Tables>({ dialect: channelDialect(client, { transactions: true }) }))
  } finally {
    await client.end()
  }
}

const onLog = async (folder: string, db: Kysely<Tables>): Promise<number> => {
  const log = await openEmbeddedLog({ folder })
  try {
    return await rawUpserts(db, log)
  } finally {
    await log.close()
  }
}
