import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from 'lmdb'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { rate } from './parts/measure.ts'

const SECONDS = 3
const SCANNED = 100_000
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

const appends = async (log: EventLog, clients: number): Promise<number> => {
  const run = randomUUID()
  const heads = new Map<number, bigint>()
  return rate(clients, SECONDS, async (client) => {
    const { revision } = await log.append(`bench-${run}-${client}`, [event()], heads.get(client) ?? 'none')
    heads.set(client, revision)
  })
}

const scan = async (log: EventLog): Promise<number> => {
  for (let i = 0; i < SCANNED / 500; i++)
    await log.append(
      `scan-${randomUUID()}`,
      Array.from({ length: 500 }, () => event()),
      'none',
    )
  let n = 0
  const began = performance.now()
  for await (const _ of log.readAll()) n++
  return Math.round((n / (performance.now() - began)) * 1000)
}

/** Appends and scans of 1 KB events on the embedded log, beside bare lmdb puts of the same bytes that are flushed as well. */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  try {
    const raw = open<string, number>({ path: join(folder, 'raw'), encoding: 'string' })
    const bytes = JSON.stringify(event())
    let key = 0
    const put = async (): Promise<void> => {
      await raw.put(key++, bytes)
      await raw.flushed
    }
    const log = await openEmbeddedLog({ folder: join(folder, 'log') })
    const figures = {
      raw_lmdb_c1: await rate(1, SECONDS, put),
      append_c1: await appends(log, 1),
      raw_lmdb_c32: await rate(32, SECONDS, put),
      append_c32: await appends(log, 32),
      scan: await scan(log),
    }
    await log.close()
    await raw.close()
    return figures
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
