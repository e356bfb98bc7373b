import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type System, startSystem } from '../../tests/testing/system.ts'
import { api } from './declare.ts'
import { answering } from './everything.ts'
import { loaded } from './mcp-candidates.ts'
import { openSession } from './mcp-client.ts'
import { inTurns, median, percentile, rate, timed } from './measure.ts'

const SERVERS = 20
const LISTS = 200
const ROUNDS = 5
const SECONDS = 1.5
const MISBEHAVING = fileURLToPath(new URL('../../tests/testing/misbehaving-server.mjs', import.meta.url))

/**
 * A project of 20 servers with 20 tools each: `tools_list_20_ms` from the cache. One of five servers of which one hangs
 * in a call: `beside_hung`, p99 of the others' calls over theirs without it.
 */
export const manyServers = async (home: string): Promise<object> => {
  await mkdir(home, { recursive: true })
  const system = await startSystem(home)
  try {
    const names = Array.from({ length: SERVERS }, (_, i) => `s${i}`)
    const [command, ...args] = loaded.stdio
    for (const name of names) await put(system, 'servers', name, { command, args })
    await put(system, 'servers', 'hung', { command: process.execPath, args: [MISBEHAVING, '--hangs=tools/call'] })
    const attached = (servers: readonly string[]) => ({ servers: servers.map((name) => ({ name })) })
    await put(system, 'projects', 'twenty', attached(names))
    await put(system, 'projects', 'five', attached([...names.slice(0, 4), 'hung']))
    const of = (project: string) => ({
      url: `${system.mcplocal}/projects/${project}/mcp`,
      bearer: system.token,
      tool: 's0__echo',
    })
    for (const name of names) await answering({ ...of('twenty'), tool: `${name}__echo` })
    return { tools_list_20_ms: await listed(of('twenty')), beside_hung: await besideHung(of('five')) }
  } finally {
    await system.kill('SIGTERM')
  }
}

const put = (at: System, kind: string, name: string, spec: object): Promise<unknown> =>
  api(at, 'PUT', `/${kind}/${name}`, { metadata: { name }, spec })

const listed = async (endpoint: Parameters<typeof openSession>[0]): Promise<number> => {
  const session = await openSession(endpoint)
  const list = () => session.request('tools/list', {})
  const tools = [...(await list()).matchAll(/"name":"s\d+__/g)].length
  if (tools !== SERVERS * 20) throw new Error(`${tools} tools are listed`)
  const took: number[] = []
  for (let i = 0; i < LISTS; i++) took.push(await timed(list))
  await session.end()
  return median(took)
}

const besideHung = async (endpoint: Parameters<typeof openSession>[0]): Promise<number> => {
  const session = await openSession(endpoint)
  const p99 = async (): Promise<number> => {
    const took: number[] = []
    await rate(1, SECONDS, async () => took.push(await timed(() => session.echo())))
    return percentile(took, 0.99)
  }
  const withHung = async (): Promise<number> => {
    const hung = await openSession(endpoint)
    const stuck = Array.from({ length: 8 }, () => hung.request('tools/call', { name: 'hung__check' }).catch(() => ''))
    const value = await p99()
    await hung.end()
    await Promise.all(stuck)
    return value
  }
  await p99() // warms up
  const { without, beside } = await inTurns(ROUNDS, { without: p99, beside: withHung })
  await session.end()
  return Math.round((beside / without) * 1000) / 1000
}
