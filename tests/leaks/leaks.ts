import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { type Daemon, environmentOf, startDaemon } from '../testing/daemon.ts'
import { INSPECT } from '../testing/garbage.ts'
import { shellServer } from '../testing/shell-server.ts'
import { runMcpctl } from '../testing/system.ts'
import { type Counted, type Counts, countAll, heapsOf, moreThan } from './count.ts'
import { httpVisitors, type Place, sseVisitors, stdioVisitors, type Visitors } from './visitors.ts'

export interface LeaksOptions {
  /** Clients by each transport but STDIO, of which each is a process. */
  readonly clients: number
  readonly stdioClients: number
  readonly note: (text: string) => void
}

/** How long mcplocal keeps the sessions of clients that leave without a word, here. */
const SESSION_IDLE_SECONDS = '2'
/** What was left is gone after so long, on a busy machine. */
const DEADLINE_MS = 60_000
const POLL_MS = 200
const AT_ONCE = 20
const STDIO_AT_ONCE = 4
/** The first clients make what stays: pools, lists, code. */
const WARM_UP = 5

const declared = [
  { kind: 'server', metadata: { name: 'shared' }, spec: shellServer },
  { kind: 'server', metadata: { name: 'own' }, spec: { ...shellServer, sessions: 'dedicated', maxSessions: 900 } },
  { kind: 'project', metadata: { name: 'visited' }, spec: { servers: [{ name: 'shared' }, { name: 'own' }] } },
]

/**
 * Lets clients come and go by each transport, through mcplocal and mcpd as processes of their own, to a server that they share and one that
 * each has a process of its own of. Resolves with what is left over of them, by transport; nothing, if all is well.
 */
export const findLeaks = async ({ clients, stdioClients, note }: LeaksOptions): Promise<Record<string, string[]>> => {
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-leaks-'))
  const daemons: Daemon[] = []
  try {
    const mcpd = await startDaemon({ program: 'mcpd', home, env: { NODE_OPTIONS: INSPECT } })
    daemons.push(mcpd)
    await until(async () => mcpd.token !== '')
    const args = ['--server', mcpd.url, '--session-idle', SESSION_IDLE_SECONDS]
    const mcplocal = await startDaemon({ program: 'mcplocal', home, args, env: { NODE_OPTIONS: INSPECT } })
    daemons.push(mcplocal)
    const env = { ...environmentOf(home), MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: mcpd.token }
    const tools = ['shared__pid', 'own__pid']
    const place: Place = { url: mcplocal.url, token: mcpd.token, project: 'visited', tools, env }
    await declare(env)
    return await visitAll(place, { mcpd, mcplocal, work: join(home, '.mcpctl/data/work') }, clients, stdioClients, note)
  } finally {
    for (const daemon of daemons.reverse()) await daemon.end('SIGTERM')
    await rm(home, { recursive: true, force: true })
  }
}

const visitAll = async (place: Place, counted: Counted, clients: number, stdioClients: number, note: Note) => {
  const transports: [string, Visitors, number, number][] = [
    ['Streamable HTTP', httpVisitors(place, true), clients, AT_ONCE],
    ['Streamable HTTP without DELETE', httpVisitors(place, false), clients, AT_ONCE],
    ['HTTP+SSE', sseVisitors(place), clients, AT_ONCE],
    ['STDIO', stdioVisitors(place), stdioClients, STDIO_AT_ONCE],
  ]
  for (const [, visitors] of transports) {
    await crowd(visitors, WARM_UP, WARM_UP)
    visitors.close()
  }
  const before = await settled(counted)
  note(`before: ${shown(before)}`)
  const left: Record<string, string[]> = {}
  for (const [name, visitors, count, atOnce] of transports) {
    const [heaps, began] = [await heapsOf(counted), performance.now()]
    await crowd(visitors, count, atOnce)
    const took = (performance.now() - began) / 1000
    visitors.close()
    left[name] = await leftOver(counted, before)
    const grown = Object.entries(await heapsOf(counted)).map(
      ([who, bytes]) => `${who} ${mebibytes(bytes - (heaps[who] ?? 0))}`,
    )
    note(
      `${count} clients by ${name} in ${took.toFixed(1)} s; heaps: ${grown.join(', ')}; left: ${left[name]?.join(', ') || 'nothing'}`,
    )
  }
  return left
}

type Note = LeaksOptions['note']

const mebibytes = (bytes: number): string => `${bytes < 0 ? '' : '+'}${(bytes / 1024 / 1024).toFixed(1)} MiB`

const shown = (counts: Counts): string =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')

const declare = async (env: Readonly<Record<string, string>>): Promise<void> => {
  const applied = await runMcpctl(['apply', '-f', '-'], env, declared.map((each) => stringify(each)).join('---\n'))
  if (applied.code !== 0) throw new Error(applied.stderr)
  await until(async () => {
    const { stdout } = await runMcpctl(['get', 'servers', '-o', 'json'], env)
    const { items } = JSON.parse(stdout) as { items: { status?: { readyReplicas?: number } }[] }
    return items.length === 2 && items.every(({ status }) => status?.readyReplicas === 1)
  })
}

const crowd = async ({ visit }: Visitors, count: number, atOnce: number): Promise<void> => {
  let left = count
  const one = async (): Promise<void> => {
    while (left-- > 0) await visit()
  }
  await Promise.all(Array.from({ length: atOnce }, one))
}

/** What there is once the warm-up's sessions have gone. */
const settled = async (counted: Counted): Promise<Counts> => {
  let counts = await countAll(counted)
  await until(async () => {
    const before = counts
    counts = await countAll(counted)
    return (
      counts['mcplocal sessions'] === 0 && counts['programs of servers'] === 2 && moreThan(counts, before).length === 0
    )
  })
  return counts
}

/** What there is more of than before, when time is up; nothing as soon as there is nothing. */
const leftOver = async (counted: Counted, before: Counts): Promise<string[]> => {
  let more: string[] = []
  await until(async () => {
    more = moreThan(before, await countAll(counted))
    return more.length === 0
  }).catch(() => {}) // `more` says what it was
  return more
}

const until = async (isSo: () => Promise<boolean>): Promise<void> => {
  const end = performance.now() + DEADLINE_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`not so after ${DEADLINE_MS} ms`)
    await sleep(POLL_MS)
  }
}
