import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { inTurns, rate, timed } from './parts/measure.ts'

/** Turns that raw and ours take, and how long one is. */
const ROUNDS = 15
const SLICE_SECONDS = 0.2
/** Events that are made before the clock starts, and used in turn: to make them is the caller's work. */
const POOL = 5_000
const SCANNED = 100_000
const SCANS = 3
const payload = { text: 'x'.repeat(700) }

const event = (type = 'Measured') => ({
  id: randomUUID(),
  type,
  data: payload,
  metadata: {
    schemaVersion: 1,
    occurredAt: new Date().toISOString(),
    actor: { kind: 'System', name: 'bench' },
    commandId: randomUUID(),
    correlationId: randomUUID(),
    causationId: randomUUID(),
  } as const,
})

type Measurement = (clients: number) => () => Promise<number>

/**
 * A careful user of bare lmdb with its default options: one put of the bytes that a record of the log has, under the next
 * number as its key, then `flushed`, which resolves once it is on disk. No checks, no streams, no JSON, no second database.
 */
const rawAppends = (folder: string): { measure: Measurement; close(): Promise<void> } => {
  const database = open<string, number>({ path: folder, encoding: 'string' })
  const record = JSON.stringify({ stream: 'bench-12', revision: 1234, at: Date.now(), ...event() })
  let key = 0
  const put = async (): Promise<void> => {
    await database.put(key++, record)
    await database.flushed
  }
  return { measure: (clients) => () => rate(clients, SLICE_SECONDS, put), close: () => database.close() }
}

/** One event an append, each client on a stream of its own, at the revision its last answer told. */
const appends = (log: EventLog): Measurement => {
  const pool = Array.from({ length: POOL }, () => event())
  const heads = new Map<string, bigint>()
  let next = 0
  return (clients) => () =>
    rate(clients, SLICE_SECONDS, async (client) => {
      const stream = `bench-${client}`
      const appended = pool[next++ % POOL] ?? event()
      const { revision } = await log.append(stream, [appended], heads.get(stream) ?? 'none')
      heads.set(stream, revision)
    })
}

/** Events a second through `readAll`, the median of some scans. */
const scan = async (log: EventLog): Promise<number> => {
  for (let i = 0; i < SCANNED / 500; i++)
    await log.append(
      `scan-${randomUUID()}`,
      Array.from({ length: 500 }, () => event()),
      'none',
    )
  const once = async (): Promise<number> => {
    const ms = await timed(async () => {
      for await (const _ of log.readAll({ limit: SCANNED }));
    })
    return Math.round((SCANNED / ms) * 1000)
  }
  return (await inTurns(SCANS, { once })).once
}

/** Appends and scans of 1 KB events on the embedded log, in turns with bare lmdb puts of the same bytes that are flushed as well. */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  try {
    const raw = rawAppends(join(folder, 'raw'))
    const log = await openEmbeddedLog({ folder: join(folder, 'log') })
    const ours = appends(log)
    const figures = await inTurns(ROUNDS, {
      raw_lmdb_c1: raw.measure(1),
      append_c1: ours(1),
      raw_lmdb_c32: raw.measure(32),
      append_c32: ours(32),
      raw_lmdb_c256: raw.measure(256),
      append_c256: ours(256),
    })
    await raw.close()
    const scanned = await scan(log)
    await log.close()
    return { ...figures, scan: scanned }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
