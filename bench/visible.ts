import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Connection, openConnection } from './parts/connection.ts'
import { type Daemon, startDaemon } from './parts/daemon.ts'
import { manifest } from './parts/declaring.ts'
import { percentile } from './parts/measure.ts'

const PER_SECOND = 200
const WARM_UP_SECONDS = 5
const SECONDS = 15

/** Connections; when all are taken the next command waits, and its time counts from when it was due all the same. */
const CLIENTS = 64

/** Sends a command without waiting for its row, then asks for the row; answers when it was there. */
const once = async (connection: Connection, name: string, n: number): Promise<void> => {
  const path = `/api/v1/projects/${name}`
  const accepted = await connection.send('PUT', path, manifest(name, n), 'Prefer: respond-async\r\n')
  const { position } = JSON.parse(accepted.body) as { position?: string }
  if (accepted.status !== 202 || position === undefined) throw new Error(`${accepted.status}: ${accepted.body}`)
  const read = await connection.send('GET', `${path}?minPosition=${position}`)
  if (read.status !== 200 || !read.body.includes(`change ${n}"`)) throw new Error(`${read.status}: ${read.body}`)
}

/** Sends at a fixed rate, whatever the answers do. @returns ms from when each was due to when its row was read */
const openLoop = async (daemon: Daemon, seconds: number): Promise<number[]> => {
  const idle = await Promise.all(Array.from({ length: CLIENTS }, () => openConnection(daemon.url, daemon.token)))
  const took: number[] = []
  const began = performance.now()
  const running = new Set<Promise<void>>()
  for (let n = 0; n < PER_SECOND * seconds; n++) {
    const due = began + (n * 1000) / PER_SECOND
    const early = due - performance.now()
    if (early > 0) await sleep(early)
    while (idle.length === 0) await Promise.race(running)
    const connection = idle.pop()
    if (connection === undefined) continue
    const run = once(connection, `visible-${n % 256}`, n).then(() => {
      took.push(performance.now() - due)
      idle.push(connection)
      running.delete(run)
    })
    run.catch(() => undefined) // it stays among the running, and whoever waits for those is told
    running.add(run)
  }
  await Promise.all(running)
  for (const connection of idle) connection.close()
  return took
}

/**
 * How long it takes until what was appended can be read, both over HTTP: from the moment a command is due to be sent to the
 * moment its row has been read, at 200 commands a second.
 */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-'))
  try {
    const daemon = await startDaemon(folder)
    try {
      await openLoop(daemon, WARM_UP_SECONDS)
      const took = await openLoop(daemon, SECONDS)
      return { p50_ms: percentile(took, 0.5), p99_ms: percentile(took, 0.99) }
    } finally {
      await daemon.stop()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
