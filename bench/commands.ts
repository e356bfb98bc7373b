import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EventStoreDBClient, NO_STREAM } from '@eventstore/db-client'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import type { NewEvent } from '../domain/kernel/event.ts'
import { openConnection } from './parts/connection.ts'
import { type Daemon, startDaemon } from './parts/daemon.ts'
import { declare, manifest } from './parts/declaring.ts'
import { inTurns, rate } from './parts/measure.ts'

const WARM_UP_ROUNDS = 2
const ROUNDS = 7
const SECONDS = 1

/** The event that a declared project becomes, byte for byte as long. */
const event = (n: number): NewEvent => {
  const { metadata, spec } = JSON.parse(manifest('bench-0', n))
  const commandId = randomUUID()
  return {
    id: randomUUID(),
    type: 'ProjectDeclared',
    data: { uid: randomUUID(), spec: { ...spec, servers: [], namespacing: 'always' }, labels: metadata.labels },
    metadata: {
      schemaVersion: 1,
      occurredAt: new Date().toISOString(),
      actor: { kind: 'User', name: 'admin', tokenSha: '0123456789ab' },
      commandId,
      correlationId: commandId,
      causationId: commandId,
    },
  }
}

/** `clients` connections that each change a resource of their own, one after the other. */
const commands = async (daemon: Daemon): Promise<(clients: number) => Promise<number>> => {
  const connections = await Promise.all(Array.from({ length: 32 }, () => openConnection(daemon.url, daemon.token)))
  let round = 0
  return (clients) => {
    round += 1
    return rate(clients, SECONDS, (client, n) => {
      const connection = connections[client]
      if (connection === undefined) throw new Error('more clients than connections')
      return declare(connection, `bench-${client}`, round * 1_000_000 + n)
    })
  }
}

/** The medians of measurements that take turns, after a turn of each that warms up. */
const measured = async <Name extends string>(
  measurements: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number>> => {
  await inTurns(WARM_UP_ROUNDS, measurements)
  return inTurns(ROUNDS, measurements)
}

const onEmbeddedLog = async (folder: string): Promise<object> => {
  const log = await openEmbeddedLog({ folder: join(folder, 'raw') })
  const daemon = await startDaemon(folder)
  try {
    const run = await commands(daemon)
    let head: bigint | 'none' = 'none'
    const append = async (_: number, n: number): Promise<void> => {
      head = (await log.append('project-bench', [event(n)], head)).revision
    }
    return await measured({
      raw_append_c1: () => rate(1, SECONDS, append),
      c1: () => run(1),
      c32: () => run(32),
    })
  } finally {
    await daemon.stop()
    await log.close()
  }
}

const onEventStore = async (folder: string, url: string): Promise<object> => {
  const client = EventStoreDBClient.connectionString(url)
  const daemon = await startDaemon(folder, { EVENTSTORE_URL: url })
  try {
    const run = await commands(daemon)
    // A valid event on a stream that may hold it: mcpd's read models meet it, too.
    const stream = `project-${randomUUID()}`
    let expectedRevision: bigint | typeof NO_STREAM = NO_STREAM
    const append = async (_: number, n: number): Promise<void> => {
      const { id, type, data, metadata } = event(n)
      const stored = { id, type, contentType: 'application/json', data, metadata: { ...metadata } } as const
      expectedRevision = (await client.appendToStream(stream, [stored], { expectedRevision })).nextExpectedRevision
    }
    return await measured({
      es_raw_c1: () => rate(1, SECONDS, append),
      es_c1: () => run(1),
      es_c32: () => run(32),
    })
  } finally {
    await daemon.stop()
    await client.dispose()
  }
}

/**
 * Commands a second through a whole mcpd: declares over HTTP with a bearer, each of which changes a spec, is appended
 * and answered with its row, beside bare appends of the same event. On EventStoreDB as well where EVENTSTORE_URL says so.
 */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  const url = process.env.EVENTSTORE_URL
  try {
    const embedded = await onEmbeddedLog(folder)
    return url === undefined
      ? embedded
      : { ...embedded, ...(await onEventStore(await mkdtemp(join(folder, 'es-')), url)) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
