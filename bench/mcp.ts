import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { manyServers } from './parts/many-servers.ts'
import { type Candidate, candidates, loaded, reference, startAll } from './parts/mcp-candidates.ts'
import { type Endpoint, openSession } from './parts/mcp-client.ts'
import { heavyRound } from './parts/mcp-heavy.ts'
import { overStdio } from './parts/mcp-stdio.ts'
import { median, percentile, rate, timed } from './parts/measure.ts'
import { sessionMemory } from './parts/session-memory.ts'

/** Many short rounds: what else the machine does meanwhile then concerns all alike. The first warm up and are not counted. */
const ROUNDS = 20
const HEAVY_ROUNDS = 8
const WARM_UP_ROUNDS = 4
const WARM_UP_CALLS = 20
const SECONDS = 0.3

type Measured = Readonly<Record<string, number>>

/** One session: calls one after the other, then eight at a time, then sixty-four. */
const lightRound = async (endpoint: Endpoint): Promise<Measured> => {
  const session = await openSession(endpoint)
  let errors = 0
  const call = async (): Promise<void> => {
    if (!(await session.echo())) errors++
  }
  for (let i = 0; i < WARM_UP_CALLS; i++) await call()
  const times: number[] = []
  await rate(1, SECONDS, async () => times.push(await timed(call)))
  const c8_rps = await rate(8, SECONDS, call)
  const c64_rps = await rate(64, SECONDS, call)
  await session.end()
  return {
    c1_p50_ms: median(times),
    c1_p99_ms: percentile(times, 0.99),
    c8_rps,
    c64_rps,
    init_ms: session.initMs,
    errors,
  }
}

/** The medians of what each candidate was measured at; of errors, the sum. NaN where some of it failed. They run at once and take turns. */
const compared = async (
  started: ReadonlyMap<string, Candidate>,
  rounds: number,
  measure: (endpoint: Endpoint) => Promise<Measured>,
): Promise<Record<string, Measured>> => {
  const all = new Map<string, Measured[]>([...started.keys()].map((name) => [name, []]))
  for (let n = 0; n < rounds + WARM_UP_ROUNDS; n++) {
    for (const [name, { endpoint }] of started) {
      const measured = await measure(endpoint)
      if (n >= WARM_UP_ROUNDS) all.get(name)?.push(measured)
    }
  }
  return Object.fromEntries([...all].map(([name, measured]) => [name, summary(measured)]))
}

const summary = (rounds: readonly Measured[]): Measured =>
  Object.fromEntries(
    Object.keys(rounds[0] ?? {}).map((field) => {
      const values = rounds.map((each) => each[field] ?? Number.NaN)
      const isSum = field === 'errors' || values.some(Number.isNaN)
      return [field, isSum ? values.reduce((sum, each) => sum + each, 0) : median(values)]
    }),
  )

/**
 * MCP over Streamable HTTP: through the least router there can be, from the server itself, through mcplocal, and through
 * other proxies. `tools/call` echo of the reference server; then, of a server made for it, a result of 10 MB
 * (`result_10mb_ms`) and a stream of progress notifications (`progress_ms`: from the server's to the client's hand, each).
 * Then mcplocal alone: `tools/list` over 20 servers, calls beside a server that hangs, memory of its sessions, and
 * `mcpctl mcp` over STDIO. BENCH_ONLY=bare,mcplocal leaves the others out, and what is mcplocal's alone. null: it did
 * not start, or what was asked of it failed; standard error says why.
 */
export default async (): Promise<object> => {
  const only = process.env.BENCH_ONLY?.split(',')
  const names = Object.keys(candidates).filter((name) => only?.includes(name) ?? true)
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-bench-mcp-'))
  let started: ReadonlyMap<string, Candidate> = new Map()
  const stop = () => Promise.all([...started.values()].map((each) => each.stop()))
  try {
    started = await startAll(names, reference, join(folder, 'light'))
    const light = await compared(started, ROUNDS - WARM_UP_ROUNDS, lightRound)
    const remote = started.get('mcplocal_remote')
    const memory = remote === undefined ? {} : await sessionMemory(remote)
    await stop()
    // The least router passes nothing but answers on.
    const able = names.filter((name) => name !== 'bare')
    started = await startAll(able, loaded, join(folder, 'heavy'))
    const heavy = await compared(started, HEAVY_ROUNDS, heavyRound)
    await stop()
    started = new Map()
    const alone =
      only === undefined
        ? { ...(await manyServers(join(folder, 'many'))), stdio: await overStdio(join(folder, 'stdio')) }
        : {}
    const each = names.map((name) => [name, light[name] === undefined ? null : { ...light[name], ...heavy[name] }])
    return { ...Object.fromEntries(each), ...memory, ...alone }
  } finally {
    await stop()
    await rm(folder, { recursive: true, force: true })
  }
}
