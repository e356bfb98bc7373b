import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type System, startSystem } from '../tests/testing/system.ts'
import { built, type Child, startChild } from './parts/child.ts'
import { api, declare } from './parts/declare.ts'
import { answering } from './parts/everything.ts'
import { openSession } from './parts/mcp-client.ts'
import { type Resident, resident } from './parts/resident.ts'
import { userEnv } from './parts/user-env.ts'

const IDLE_MS = 60_000
/** Long enough for heaps to reach the size that the load keeps them at. */
const WARM_UP_MS = 60_000
const SETTLE_MS = 10_000
/** How long the mixed load goes on; the figure in the documentation is of 10. */
const minutes = Number(process.env.MINUTES ?? 0.5)
/** Pauses between the steps of the mixed load, so that it is a load and not a race. */
const PAUSE_MS = 5
/** Names that the load declares: what is kept does not grow. */
const NAMES = 50

/**
 * Memory of `mcpctl up` with the demo project 60 s after its first start and 60 s after the next one, of mcplocal alone
 * beside it, and how much the first one grew under mixed load (MINUTES=10 for the full length). RSS in MB, children not
 * counted; PSS beside it.
 */
export default async (): Promise<object> => {
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-bench-memory-'))
  let system: System | undefined
  let mcplocal: Child | undefined
  try {
    system = await startSystem(home, { args: ['--demo'], env: npmCache() })
    mcplocal = await startChild([process.execPath, built('mcplocal'), '--port', '0', '--server', system.server], {
      ready: /"url":"([^"]+)".*mcplocal is ready/,
      env: userEnv(home),
    })
    await answering(demo(mcplocal.match[1] ?? '', system.token))
    await sleep(IDLE_MS)
    const first = resident(system.pid)
    const alone = resident(mcplocal.pid)
    const growth = await underLoad(system)
    await system.kill('SIGTERM')
    system = await startSystem(home)
    await answering(demo(system.mcplocal, system.token))
    await sleep(IDLE_MS)
    const next = resident(system.pid)
    return {
      up_idle_mb: Math.max(first.rss, next.rss),
      up_idle_pss_mb: Math.max(first.pss, next.pss),
      up_first_start_mb: first.rss,
      up_next_start_mb: next.rss,
      mcplocal_idle_mb: alone.rss,
      mcplocal_idle_pss_mb: alone.pss,
      ...growth,
    }
  } finally {
    await mcplocal?.stop()
    await system?.kill('SIGTERM')
    await rm(home, { recursive: true, force: true })
  }
}

/** The user's own cache, so that packages come from there. */
const npmCache = (): Record<string, string> => {
  const { npm_config_cache = join(process.env.HOME ?? '', '.npm') } = process.env
  return { npm_config_cache }
}

const demo = (mcplocal: string, token: string) => ({
  url: `${mcplocal}/projects/demo/mcp`,
  bearer: token,
  tool: 'everything__echo',
})

const underLoad = async (system: System): Promise<object> => {
  await mixedLoad(system, WARM_UP_MS)
  await sleep(SETTLE_MS)
  const before = resident(system.pid)
  await mixedLoad(system, minutes * 60_000)
  await sleep(SETTLE_MS)
  const after = resident(system.pid)
  const grown = (of: keyof Resident) => Math.round((after[of] / before[of] - 1) * 1000) / 10
  return { growth_pct: grown('rss'), growth_anon_pct: grown('anon'), growth_minutes: minutes, loaded_mb: after.rss }
}

/** Calls, sessions that are opened and closed, declarations and reads, all at once. */
const mixedLoad = async (system: System, ms: number): Promise<void> => {
  const end = performance.now() + ms
  const endpoint = demo(system.mcplocal, system.token)
  const loop = async (step: (n: number) => Promise<unknown>): Promise<void> => {
    for (let n = 0; performance.now() < end; n++) {
      await step(n)
      await sleep(PAUSE_MS)
    }
  }
  const calls = await openSession(endpoint)
  await Promise.all([
    loop(() => calls.echo()),
    loop(async () => {
      const session = await openSession(endpoint)
      await session.echo()
      await session.end()
    }),
    loop(async (n) => {
      const name = `load-${n % NAMES}`
      await declare(system, name, `change ${n}`)
      if (n % 10 === 9) await api(system, 'DELETE', `/servers/${name}`)
      await sleep(10 * PAUSE_MS)
    }),
    loop((n) => api(system, 'GET', n % 2 === 0 ? '/servers' : '/servers/everything')),
  ])
  await calls.end()
}
