import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type System, startSystem } from '../tests/testing/system.ts'
import { declare } from './parts/declare.ts'
import { median, timed } from './parts/measure.ts'

const FIRST_STARTS = 3
const RESTARTS = 5
const EVENTS = 10_000
const CLIENTS = 16

/**
 * `first_call_ms`: from `mcpctl up --demo` in an empty folder, with the demo's packages in npm's cache, until its tool calls
 * through mcplocal have answered. `restart_ms`: from `mcpctl up` with 10,000 events in the log until it says that it is ready.
 */
export default async (): Promise<object> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-start-'))
  const env = { npm_config_cache: join(folder, 'npm-cache') }
  try {
    const first: number[] = []
    // Once more than is counted: that one fills npm's cache.
    for (let n = 0; n <= FIRST_STARTS; n++) {
      const ms = await measuredStart(join(folder, `home-${n}`), ['--demo'], env)
      if (n > 0) first.push(ms)
    }
    const home = join(folder, 'home')
    await fill(home)
    const restarts: number[] = []
    for (let n = 0; n < RESTARTS; n++) restarts.push(await measuredStart(home))
    return { first_call_ms: Math.round(median(first)), restart_ms: Math.round(median(restarts)) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Starts a system and ends it again. @returns how long it took until it said that it can be ended */
const measuredStart = async (home: string, args: readonly string[] = [], env = {}): Promise<number> => {
  let system: System | undefined
  try {
    return await timed(async () => {
      system = await startSystem(home, { args, env })
    })
  } finally {
    await system?.kill('SIGTERM')
  }
}

const fill = async (home: string): Promise<void> => {
  const system = await startSystem(home)
  try {
    const each = EVENTS / CLIENTS
    await Promise.all(
      Array.from({ length: CLIENTS }, async (_, client) => {
        for (let n = 0; n < each; n++) await declare(system, `server-${client}-${n % 100}`, `change ${n}`)
      }),
    )
  } finally {
    await system.kill('SIGTERM')
  }
}
