import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { type System, startSystem } from '../testing/system.ts'

// One mcpd with a server that works and one of each kind that does not: what goes wrong with one is its own matter.

const MISBEHAVING = fileURLToPath(new URL('../testing/misbehaving-server.mjs', import.meta.url))
const IN_TIME = { timeout: 60_000, interval: 200 }
/** What mcpd may grow by while it meets floods and results of tens of megabytes, in MB. */
const GROWTH_MB = 600

/** The servers by name, with their habits. */
const HABITS: Readonly<Record<string, readonly string[]>> = {
  good: [],
  mute: ['--hangs=initialize'],
  late: ['--slow-initialize=20000'],
  flood: ['--call=flood=100'],
  half: ['--call=half-line'],
  banner: ['--banner'],
  forks: ['--forks'],
  stubborn: ['--ignores-sigterm'],
  huge: ['--call=result=50'],
  dies: ['--call=dies'],
  changes: ['--changes'],
  strange: ['--call=wrong-id'],
  old: ['--protocol=2024-11-05'],
  future: ['--protocol=2099-01-01'],
}
const NAMES = Object.keys(HABITS)

let home: string
let system: System
let clients: Record<string, Client> = {}

const manifests = NAMES.flatMap((name) => [
  {
    kind: 'server',
    metadata: { name },
    spec: { command: process.execPath, args: [MISBEHAVING, ...(HABITS[name] ?? [])] },
  },
  { kind: 'project', metadata: { name }, spec: { servers: [{ name }] } },
])

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-faults-'))
  system = await startSystem(home)
  const applied = await system.mcpctl(['apply', '-f', '-'], {
    stdin: manifests.map((each) => stringify(each)).join('---\n'),
  })
  expect(applied).toMatchObject({ code: 0 })
}, 60_000)
afterAll(async () => {
  await Promise.all(Object.values(clients).map((client) => client.close()))
  await system?.kill('SIGTERM')
  await rm(home, { recursive: true, force: true })
}, 30_000)

const clientOf = async (name: string): Promise<Client> => {
  clients = { ...clients, [name]: clients[name] ?? (await system.connect(name)) }
  return clients[name] ?? system.connect(name)
}

interface Instance {
  readonly metadata: { readonly name: string }
  readonly status: { readonly phase: string; readonly restarts: number; readonly error?: string }
}
const instanceOf = async (server: string): Promise<Instance | undefined> => {
  const { stdout } = await system.mcpctl(['get', 'instances', '-o', 'json'])
  const all = (JSON.parse(stdout) as { items: readonly (Instance & { spec: { server: string } })[] }).items
  return all.find(({ spec }) => spec.server === server)
}
const running = (server: string) =>
  vi.waitFor(async () => expect((await instanceOf(server))?.status.phase).toBe('running'), IN_TIME)

/** Calls the server's one tool; the text of its answer. */
const check = async (name: string, timeout = 60_000): Promise<string> => {
  const client = await clientOf(name)
  const result = await client.callTool({ name: `${name}__check`, arguments: {} }, undefined, { timeout })
  const [first] = result.content as readonly { readonly text?: string }[]
  return first?.text ?? ''
}
const described = async (server: string): Promise<string> => {
  const instance = await instanceOf(server)
  return (await system.mcpctl(['describe', 'instance', instance?.metadata.name ?? ''])).stdout
}
/** Own memory of mcpd with mcplocal, in MB. */
const memory = (): number =>
  Number(/RssAnon:\s+(\d+)/.exec(readFileSync(`/proc/${system.pid}/status`, 'utf8'))?.[1]) / 1024

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

describe('one server of many', { timeout: 120_000 }, () => {
  it('that prints 100 MB of prose on stdout is answered for, and mcpd keeps none of it', async () => {
    await running('flood')
    const before = memory()
    expect(await check('flood')).toBe('after the flood')
    expect(memory() - before).toBeLessThan(GROWTH_MB)
    expect(await check('good')).toBe('fine')
  })

  it('that answers with 50 MB hands them over, and the others go on meanwhile', async () => {
    await running('huge')
    const huge = check('huge')
    expect(await check('good')).toBe('fine')
    expect((await huge).length).toBe(50 * 1024 * 1024)
    expect(await check('good')).toBe('fine')
  })

  it('that stops in the middle of a line fails that call at its deadline, and no other server waits', async () => {
    await running('half')
    const half = check('half', 3_000)
    await expect(half).rejects.toMatchObject({ code: -32001 })
    expect(await check('good')).toBe('fine')
  })

  it('that dies during a call answers it with the reason, and comes back', async () => {
    await running('dies')
    await expect(check('dies')).rejects.toMatchObject({
      message: expect.stringContaining('ended while the call was under way'),
      data: { code: 'server-ended', hint: expect.stringContaining('not repeated') },
    })
    await vi.waitFor(async () => expect((await instanceOf('dies'))?.status).toMatchObject({ restarts: 1 }), IN_TIME)
    expect(await described('dies')).toContain('code 3')
  })

  it('that forks a child and exits leaves no child', async () => {
    await running('forks')
    const logs = await system.mcpctl(['logs', 'server', 'forks'])
    const child = Number(/child (\d+)/.exec(logs.stdout)?.[1])
    expect(isAlive(child)).toBe(true)
    await expect(check('forks')).rejects.toMatchObject({ data: { code: 'server-ended' } })
    await vi.waitFor(() => expect(isAlive(child)).toBe(false), IN_TIME)
  })

  it('that prints banners is understood, and what it printed is in its log', async () => {
    await running('banner')
    expect(await check('banner')).toBe('fine')
    expect((await system.mcpctl(['logs', 'server', 'banner'])).stdout).toContain('Welcome!')
  })

  it('that changes its tools while they are listed has each list whole', async () => {
    await running('changes')
    const client = await clientOf('changes')
    for (let i = 0; i < 5; i += 1) {
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual(['changes__check', expect.stringMatching(/^changes__tool-\d+$/)])
    }
  })

  it("that answers under a stranger's id is not listened to until it answers under its own", async () => {
    await running('strange')
    expect(await check('strange')).toBe('its own')
    expect((await system.mcpctl(['logs', 'server', 'strange'])).stdout).toContain('unknown id')
  })

  it('that speaks an older revision is served, and one that speaks none that we know is refused with that reason', async () => {
    await running('old')
    expect(await check('old')).toBe('fine')
    await vi.waitFor(async () => expect((await instanceOf('future'))?.status.phase).toBe('error'), IN_TIME)
    expect(await described('future')).toContain('2099-01-01')
  })

  it('that ignores SIGTERM is ended all the same', async () => {
    await running('stubborn')
    const pid = Number(/pid:\s+(\d+)/i.exec(await described('stubborn'))?.[1])
    expect(isAlive(pid)).toBe(true)
    expect(await system.mcpctl(['delete', 'project', 'stubborn'])).toMatchObject({ code: 0 })
    expect(await system.mcpctl(['delete', 'server', 'stubborn'])).toMatchObject({ code: 0 })
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), IN_TIME)
  })

  it('that answers initialize after 20 s is served from then on', async () => {
    await running('late')
    expect(await check('late')).toBe('fine')
  })

  it('that never answers initialize is given up with that reason, and its callers are told at once', async () => {
    await vi.waitFor(async () => expect((await instanceOf('mute'))?.status.phase).toBe('error'), IN_TIME)
    expect(await described('mute')).toContain('did not answer initialize within 30 s')
    await expect(check('mute')).rejects.toThrow(/mute/)
    expect(await check('good')).toBe('fine')
  })
})
