import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type System, startSystem } from '../../tests/testing/system.ts'
import { startChild } from './child.ts'
import { api } from './declare.ts'
import { answering, everything } from './everything.ts'
import { openSession } from './mcp-client.ts'
import { percentile } from './measure.ts'

const MISBEHAVING = fileURLToPath(new URL('../../tests/testing/misbehaving-server.mjs', import.meta.url))
const CALL_OVER = fileURLToPath(new URL('./call-over.ts', import.meta.url))
const ROUNDS = 3
const MEASURE_MS = 2500

/** What each bad server does when it is called; null: it is not called, its mere presence is what is measured. */
const FAULTS = {
  never_answers_initialize: { habit: '--hangs=initialize', called: false },
  ends_after_5_s: { habit: '--lives=5000', called: false },
  half_a_line: { habit: '--call=half-line', called: true },
  floods_100_mb: { habit: '--call=flood=100', called: true },
  result_of_50_mb: { habit: '--call=result=50', called: true },
} as const

/** For each fault, p99 of another server's calls with it over p99 without it: medians of alternating measurements. */
export const fromFaults = async (home: string): Promise<Record<string, number>> => {
  await mkdir(home, { recursive: true })
  const system = await startSystem(home)
  try {
    const [command, ...args] = everything('stdio')
    await serve(system, 'good', { command, args })
    const good = { url: `${system.mcplocal}/projects/good/mcp`, bearer: system.token, tool: 'good__echo' }
    await answering(good)
    const result: Record<string, number> = {}
    await p99(good) // warms up
    for (const [name, { habit, called }] of Object.entries(FAULTS)) {
      const [without, together]: [number[], number[]] = [[], []]
      for (let round = 0; round < ROUNDS; round += 1) {
        without.push(await p99(good))
        await serve(system, 'bad', { command: process.execPath, args: [MISBEHAVING, habit] })
        const stop = called ? await callOver(system) : undefined
        together.push(await p99(good))
        await stop?.()
        await api(system, 'DELETE', '/projects/bad')
        await api(system, 'DELETE', '/servers/bad')
      }
      result[name] = percentile(
        together.map((value, i) => value / (without[i] ?? Number.NaN)),
        0.5,
      )
    }
    return result
  } finally {
    await system.kill('SIGTERM')
  }
}

const serve = async (system: System, name: string, spec: object): Promise<void> => {
  await api(system, 'PUT', `/servers/${name}`, { metadata: { name }, spec })
  await api(system, 'PUT', `/projects/${name}`, { metadata: { name }, spec: { servers: [{ name }] } })
}

/** Calls the bad server again and again, whatever comes of it. @returns ends that */
const callOver = async ({ mcplocal, token }: System): Promise<() => Promise<void>> => {
  const command = [
    process.execPath,
    '--import',
    'tsx',
    CALL_OVER,
    `${mcplocal}/projects/bad/mcp`,
    'bad__check',
  ] as const
  const { stop } = await startChild(command, { ready: /calling/, env: { ...process.env, BENCH_BEARER: token } })
  return stop
}

const p99 = async (endpoint: Parameters<typeof openSession>[0]): Promise<number> => {
  const session = await openSession(endpoint)
  const took: number[] = []
  for (const end = performance.now() + MEASURE_MS; performance.now() < end; ) {
    const began = performance.now()
    if (!(await session.echo())) throw new Error('a call of the good server failed')
    took.push(performance.now() - began)
  }
  await session.end()
  return percentile(took, 0.99)
}
