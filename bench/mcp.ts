import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../domain/kernel/errors.ts'
import { type Candidate, candidates } from './parts/mcp-candidates.ts'
import { type Endpoint, openSession } from './parts/mcp-client.ts'
import { median, percentile, rate, timed } from './parts/measure.ts'

/** Many short rounds: what else the machine does meanwhile then concerns all alike. The first warm up and are not counted. */
const ROUNDS = 20
const WARM_UP_ROUNDS = 4
const WARM_UP_CALLS = 20
const C1_SECONDS = 0.3
const C8_SECONDS = 0.3

interface Round {
  readonly c1_p50_ms: number
  readonly c1_p99_ms: number
  readonly c8_rps: number
  readonly init_ms: number
  readonly errors: number
}

/** One session: calls one after the other, then eight at a time. */
const round = async (endpoint: Endpoint): Promise<Round> => {
  const session = await openSession(endpoint)
  let errors = 0
  const call = async (): Promise<void> => {
    if (!(await session.echo())) errors++
  }
  for (let i = 0; i < WARM_UP_CALLS; i++) await call()
  const times: number[] = []
  await rate(1, C1_SECONDS, async () => times.push(await timed(call)))
  const c8_rps = await rate(8, C8_SECONDS, call)
  await session.end()
  return { c1_p50_ms: median(times), c1_p99_ms: percentile(times, 0.99), c8_rps, init_ms: session.initMs, errors }
}

const summary = (rounds: readonly Round[]): Round => {
  const of = (field: keyof Round) => median(rounds.map((each) => each[field]))
  return {
    c1_p50_ms: of('c1_p50_ms'),
    c1_p99_ms: of('c1_p99_ms'),
    c8_rps: of('c8_rps'),
    init_ms: of('init_ms'),
    errors: rounds.reduce((all, { errors }) => all + errors, 0),
  }
}

/**
 * `tools/call` echo of the reference server over Streamable HTTP: through the least router there can be, from the server
 * itself, through mcplocal, and through other proxies. All run at once and take turns. BENCH_ONLY=bare,mcplocal leaves
 * the others out. null: it did not start, standard error says why.
 */
export default async (): Promise<object> => {
  const only = process.env.BENCH_ONLY?.split(',')
  const names = Object.keys(candidates).filter((name) => only?.includes(name) ?? true)
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-mcp-'))
  const started = new Map<string, Candidate>()
  const rounds = new Map<string, Round[]>()
  try {
    for (const name of names) {
      try {
        const candidate = await candidates[name]?.(join(folder, name))
        if (candidate !== undefined) started.set(name, candidate)
      } catch (error) {
        console.error(`${name} does not start: ${messageOf(error)}`)
      }
    }
    for (let n = 0; n < ROUNDS; n++) {
      for (const [name, { endpoint }] of started) {
        const measured = await round(endpoint)
        if (n >= WARM_UP_ROUNDS) rounds.set(name, [...(rounds.get(name) ?? []), measured])
      }
    }
    return Object.fromEntries(names.map((name) => [name, started.has(name) ? summary(rounds.get(name) ?? []) : null]))
  } finally {
    await Promise.all([...started.values()].map(({ stop }) => stop()))
    await rm(folder, { recursive: true, force: true })
  }
}
