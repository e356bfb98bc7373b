import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import type { NewEvent } from '../domain/kernel/event.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import type { JsonObject } from '../domain/kernel/json.ts'
import { openConnection } from './parts/connection.ts'
import { type Daemon, startDaemon } from './parts/daemon.ts'
import { declare } from './parts/declaring.ts'
import { inTurns, rate, timed } from './parts/measure.ts'

const SIZES = [1_000, 100_000, 1_000_000]
const ROUNDS = 5
const SECONDS = 1.5
/** Events of one append, and appends that share a commit. */
const BATCH = 250
const AT_ONCE = 200

const event = (type: string, data: JsonObject): NewEvent => {
  const commandId = randomUUID()
  return {
    id: randomUUID(),
    type,
    data,
    metadata: {
      schemaVersion: 1,
      occurredAt: new Date().toISOString(),
      actor: { kind: 'User', name: 'admin' },
      commandId,
      correlationId: commandId,
      causationId: commandId,
    },
  }
}

/** The history of one project that is changed again and again. */
const projectHistory = (length: number): NewEvent[] => {
  const uid = randomUUID()
  return Array.from({ length }, (_, n) => {
    const spec = {
      description: `change ${n}`,
      instructions: 'Be brief. '.repeat(10),
      servers: [],
      namespacing: 'always',
    }
    return event('ProjectDeclared', { uid, spec, labels: { team: `t${n % 7}` } })
  })
}

/** The history of an instance of a server that has been deleted since: started and ended often, then stopped. */
const instanceHistory = (instance: string, length: number): NewEvent[] => {
  const server = { server: `gone-${instance.slice(0, 3)}` }
  const at = new Date().toISOString()
  const created = { ...server, serverUid: randomUUID(), specHash: 'f'.repeat(16), uid: randomUUID(), at }
  const turns = Array.from({ length: length - 2 }, (_, n) =>
    n % 2 === 0
      ? event('InstanceStarting', { ...server, attempt: 1, at })
      : event('InstanceExited', { ...server, at, reason: 'exit 1', failures: 1, code: 1, nextRetryAt: at }),
  )
  return [
    event('InstanceCreated', created),
    ...turns,
    event('InstanceStopped', { ...server, at, reason: 'no longer wanted' }),
  ]
}

/** Fills a log: a tenth of the events on ten long streams, the rest on many short ones of two kinds. */
const fill = async (log: EventLog, size: number): Promise<void> => {
  let left = size
  const append = async (stream: string, events: readonly NewEvent[], from: bigint | 'none'): Promise<void> => {
    await log.append(stream, events, from)
  }
  const long = Math.floor(size / 100)
  for (let at = 0; at < long; at += BATCH) {
    const length = Math.min(BATCH, long - at)
    const from = at === 0 ? 'none' : BigInt(at - 1)
    await Promise.all(Array.from({ length: 10 }, (_, i) => append(`project-long-${i}`, projectHistory(length), from)))
    left -= length * 10
  }
  for (let n = 0; left > 0; ) {
    const appends: Promise<void>[] = []
    for (let i = 0; i < AT_ONCE && left > 0; i++, n++) {
      const kind = n % 3
      const length = Math.min(left, kind === 2 ? 3 : 20)
      left -= length
      const name = `i${n.toString(36)}`
      appends.push(
        kind === 1 && length > 2
          ? append(`instance-${name}`, instanceHistory(name, length), 'none')
          : append(`project-${name}`, projectHistory(length), 'none'),
      )
    }
    await Promise.all(appends)
  }
}

/** mcpd on a log of its own with so many events. */
interface Grown {
  readonly size: number
  readonly folder: string
  daemon: Daemon
}

const grow = async (folder: string, size: number): Promise<Grown> => {
  // The first start makes the token, the second one has rows to fill.
  await (await startDaemon(folder)).stop()
  const log = await openEmbeddedLog({ folder: join(folder, 'data', 'log') })
  const filling = await timed(() => fill(log, size))
  await log.close()
  const daemon = await startDaemon(folder)
  console.error(`${size} events: appended in ${Math.round(filling)} ms, projected in ${Math.round(daemon.startMs)} ms`)
  return { size, folder, daemon }
}

const startMs = async (grown: Grown): Promise<number> => {
  await grown.daemon.stop()
  grown.daemon = await startDaemon(grown.folder)
  return grown.daemon.startMs
}

const commandsC1 = async ({ daemon }: Grown): Promise<number> => {
  const connection = await openConnection(daemon.url, daemon.token)
  const change = Date.now()
  const measured = await rate(1, SECONDS, (_, n) => declare(connection, 'project-long-0', change * 1_000 + n))
  connection.close()
  return measured
}

/** A measurement of each log in turn, several times; the median of each. */
const ofEach = async (
  all: readonly Grown[],
  measure: (grown: Grown) => Promise<number>,
): Promise<Record<string, number>> =>
  inTurns(ROUNDS, Object.fromEntries(all.map((each) => [`at_${each.size}`, () => measure(each)])))

/** Commands a second by one client, and the time a start takes, with few and many events in the log. */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  const all: Grown[] = []
  try {
    for (const size of SIZES) all.push(await grow(await mkdtemp(join(folder, 'log-')), size))
    const start = await ofEach(all, startMs)
    for (const each of all) await commandsC1(each)
    return { commands_c1: await ofEach(all, commandsC1), start_ms: start }
  } finally {
    for (const { daemon } of all) await daemon.stop()
    await rm(folder, { recursive: true, force: true })
  }
}
