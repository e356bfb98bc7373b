import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { statFields, TICKS_PER_SECOND } from '../adapters/process/process-table.ts'
import { shellServer } from '../tests/testing/shell-server.ts'
import { type Daemon, startDaemon } from './parts/daemon.ts'
import { type Api, api } from './parts/declare.ts'
import { everything } from './parts/everything.ts'
import { median } from './parts/measure.ts'
import { fromFaults } from './parts/server-faults.ts'

const SPAWNS = 9
const RECOVERED = 20
const SERVERS = 1000
const CHANGES = 9
const PROBED = 50
const IDLE_MS = 60_000
const SETTLE_MS = 10_000
const POLL_MS = 10
const DEADLINE_MS = 120_000

/**
 * What running servers costs: `spawn_overhead_ms` from mcpd's decision to start server-everything until it is initialised,
 * over the same by hand; `recover_ms` from SIGKILL of mcpd until 20 instances of it serve again, mcpd started at once;
 * `reconcile_1000_ms` from a change of one of 1,000 servers until its instance exists; `idle_cpu_pct` of one CPU that
 * mcpd uses while 50 instances are probed every 30 s and nothing else happens. `faults`: what one bad server does to the
 * calls of another, as the quotient of that one's p99 with and without it.
 */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-instances-'))
  try {
    return {
      ...(await inDaemon(join(folder, 'spawn'), spawnOverhead)),
      recover_ms: await recover(join(folder, 'recover')),
      ...(await inDaemon(join(folder, 'reconcile'), reconcile)),
      ...(await inDaemon(join(folder, 'idle'), idle)),
      faults: await fromFaults(join(folder, 'faults')),
    }
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

const apiOf = ({ url, token }: Daemon): Api => ({ server: url.origin, token })

const inDaemon = async (folder: string, measure: (daemon: Daemon) => Promise<object>): Promise<object> => {
  await mkdir(folder)
  const daemon = await startDaemon(folder)
  try {
    return await measure(daemon)
  } finally {
    await daemon.stop()
  }
}

interface Instance {
  readonly metadata: { readonly name: string; readonly createdAt: string }
  readonly spec: { readonly server: string }
  readonly status: { readonly phase: string; readonly lastAttemptAt: string; readonly startedAt: string }
}
const instances = async (at: Api): Promise<readonly Instance[]> =>
  ((await api(at, 'GET', '/instances?limit=1000')) as { items: readonly Instance[] }).items

const put = (at: Api, name: string, spec: object): Promise<unknown> =>
  api(at, 'PUT', `/servers/${name}`, { metadata: { name }, spec })

/** Polls until `look` finds something. */
const until = async <Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> => {
  const deadline = performance.now() + DEADLINE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadline) throw new Error(`${what}: not after ${DEADLINE_MS / 1000} s`)
    await sleep(POLL_MS)
  }
}
const allRun = (at: Api, count: number) =>
  until(`${count} instances run`, async () => {
    const all = await instances(at)
    return all.filter(({ status }) => status.phase === 'running').length >= count ? all : undefined
  })

const [command, ...args] = everything('stdio')

const spawnOverhead = async (daemon: Daemon): Promise<object> => {
  const at = apiOf(daemon)
  const started: number[] = []
  const bare: number[] = []
  for (let n = 0; n < SPAWNS; n += 1) {
    bare.push(await startedBare())
    await put(at, `s${n}`, { command, args })
    const [{ status } = await fail('no instance')] = await allRun(at, 1)
    started.push(Date.parse(status.startedAt) - Date.parse(status.lastAttemptAt))
    await api(at, 'DELETE', `/servers/s${n}`)
    await until('it is gone', async () => ((await instances(at)).length === 0 ? true : undefined))
  }
  const [own, by] = [median(started), median(bare)]
  return { spawn_ms: Math.round(own), spawn_bare_ms: Math.round(by), spawn_overhead_ms: Math.round(own - by) }
}

const fail = async (message: string): Promise<never> => {
  throw new Error(message)
}

/** From the start of the program until it has answered `initialize`, without anything in between. */
const startedBare = async (): Promise<number> => {
  const began = performance.now()
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'bench', version: '1' } }
  child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`)
  await once(createInterface({ input: child.stdout }), 'line')
  const ms = performance.now() - began
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
  return ms
}

const recover = async (folder: string): Promise<number> => {
  await mkdir(folder)
  const first = await startDaemon(folder)
  await put(apiOf(first), 'everything', { command, args, replicas: RECOVERED })
  await allRun(apiOf(first), RECOVERED)
  const began = performance.now()
  const wall = Date.now()
  process.kill(first.pid, 'SIGKILL')
  await first.stop().catch(() => undefined) // it was killed: so it says
  const next = await startDaemon(folder)
  try {
    await until('all serve again', async () => {
      const all = await instances(apiOf(next))
      const again = all.filter(
        ({ status: { phase, startedAt } }) => phase === 'running' && Date.parse(startedAt) > wall,
      )
      return again.length === RECOVERED ? true : undefined
    })
    return Math.round(performance.now() - began)
  } finally {
    await next.stop()
  }
}

const reconcile = async (daemon: Daemon): Promise<object> => {
  const at = apiOf(daemon)
  const stopped = { command: 'sh', args: ['-c', 'read x'], replicas: 0 }
  for (let n = 0; n < SERVERS; n += 8)
    await Promise.all(Array.from({ length: 8 }, (_, i) => put(at, `s${n + i}`, stopped)))
  await sleep(SETTLE_MS)
  const took: number[] = []
  for (let n = 0; n < CHANGES; n += 1) {
    const name = `s${n * 100}`
    const began = Date.now()
    await put(at, name, { ...stopped, replicas: 1 })
    const made = await until('its instance', async () => (await instances(at)).find(({ spec }) => spec.server === name))
    took.push(Date.parse(made.metadata.createdAt) - began)
    await put(at, name, stopped)
  }
  return { reconcile_1000_ms: Math.round(median(took)) }
}

/** With servers that cost nothing: what is measured is mcpd. */
const idle = async (daemon: Daemon): Promise<object> => {
  const at = apiOf(daemon)
  for (let n = 0; n < 2; n += 1) await put(at, `s${n}`, { ...shellServer, replicas: PROBED / 2 })
  await allRun(at, PROBED)
  await sleep(SETTLE_MS)
  const before = cpuSeconds(daemon.pid)
  await sleep(IDLE_MS)
  const share = (cpuSeconds(daemon.pid) - before) / (IDLE_MS / 1000)
  return { idle_cpu_pct: Math.round(share * 10_000) / 100 }
}

/** CPU time of a process with all its threads, without its children. */
const cpuSeconds = (pid: number): number => {
  const fields = statFields(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
