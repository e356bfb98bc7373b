import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequest, request } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { allProcesses, findProcess } from '../adapters/process/process-table.ts'
import { parentOf } from './crash/testing/proc.ts'
import { type Ask, asking, startDaemon } from './testing/daemon.ts'
import { startSystem } from './testing/system.ts'

// SIGTERM and SIGINT under everything that can be under way: requests, streams, links, MCP calls, starts, an installation.

const SERVER = fileURLToPath(new URL('./testing/programs/slow-server.js', import.meta.url))
/** The promise is ten seconds; the rest is for a busy machine to notice. */
const DRAINED_MS = 10_500

/** Programs that run: both of them, or one that is both. `toEnd` gets the signal. */
interface Running {
  readonly url: string
  readonly mcplocal: string
  readonly token: string
  readonly toEnd: { readonly pid: number; readonly end: (signal: NodeJS.Signals) => Promise<number | null> }
  stop(): Promise<void>
}

let home: string
/** Takes connections and never answers: an installation from there goes on for good. */
let registry: Server
const sockets = new Set<Socket>()
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-shutdown-'))
  registry = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(registry, 'listening')
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  registry.close()
  await rm(home, { recursive: true, force: true })
})

const environment = (): Record<string, string> => {
  const address = registry.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { npm_config_registry: `http://127.0.0.1:${port}`, npm_config_cache: join(home, 'npm-cache') }
}

const startBoth = async (which: 'mcpd' | 'mcplocal'): Promise<Running> => {
  const mcpd = await startDaemon({ program: 'mcpd', home, env: environment() })
  await vi.waitFor(() => expect(mcpd.token).not.toBe(''))
  const mcplocal = await startDaemon({ program: 'mcplocal', home, args: ['--server', mcpd.url] })
  return {
    url: mcpd.url,
    mcplocal: mcplocal.url,
    token: mcpd.token,
    toEnd: which === 'mcpd' ? mcpd : mcplocal,
    async stop() {
      await mcplocal.end('SIGKILL')
      await mcpd.end('SIGKILL')
    },
  }
}
const startUp = async (): Promise<Running> => {
  const system = await startSystem(home, { env: environment() })
  return {
    url: system.server,
    mcplocal: system.mcplocal,
    token: system.token,
    toEnd: { pid: system.pid, end: (signal) => system.kill(signal) },
    async stop() {
      await system.kill('SIGKILL')
    },
  }
}

/** Servers in all states that a signal may find them in. */
const startServers = async (ask: Ask): Promise<void> => {
  const specs = {
    slow: { command: process.execPath, args: [SERVER] },
    stubborn: { command: process.execPath, args: [SERVER, '--stubborn', '--child'] },
    silent: { command: process.execPath, args: [SERVER, '--silent', '--stubborn'] },
    installing: { packageName: 'nowhere-to-be-found' },
  }
  for (const [name, spec] of Object.entries(specs))
    expect((await ask('POST', '/api/v1/servers', { body: { metadata: { name }, spec } })).status).toBe(201)
  const project = { metadata: { name: 'demo' }, spec: { servers: [{ name: 'slow' }, { name: 'stubborn' }] } }
  expect((await ask('POST', '/api/v1/projects', { body: project })).status).toBe(201)
  const phases = async () =>
    (await ask('GET', '/api/v1/instances')).json.items
      .map(
        (each: { spec: { server: string }; status: { phase: string } }) => `${each.spec.server} ${each.status.phase}`,
      )
      .sort()
  await expect
    .poll(phases, { timeout: 60_000, interval: 100 })
    .toEqual(['installing starting', 'silent starting', 'slow running', 'stubborn running'])
  await vi.waitFor(() => expect(sockets.size).toBeGreaterThan(0), { timeout: 30_000 }) // npm asks
}

const connect = async ({ mcplocal, token }: Running): Promise<Client> => {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${mcplocal}/projects/demo/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}

/** A request of which the rest comes later. */
const halfSent = ({ url, token }: Running, body: string) => {
  const outgoing: ClientRequest = request(`${url}/api/v1/secrets`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    },
  })
  const answered = once(outgoing, 'response').then(async ([response]) => {
    await text(response)
    return Number(response.statusCode)
  })
  answered.catch(() => {}) // looked at later
  outgoing.write(body.slice(0, 20))
  return { finish: () => outgoing.end(body.slice(20)), answered }
}

/** Everything below a process, with the time of its start: a pid alone may be another's by then. */
const below = (pid: number): readonly { readonly pid: number; readonly start: string }[] => {
  const found = allProcesses().filter((each) => parentOf(each.pid) === pid)
  return [...found.map(({ pid, start }) => ({ pid, start })), ...found.flatMap((each) => below(each.pid))]
}
const stillThere = (processes: ReturnType<typeof below>) =>
  processes.filter(({ pid, start }) => {
    const found = findProcess(pid)
    return found !== undefined && !found.zombie && found.start === start
  })

const logOf = async (ask: Ask, server: string): Promise<string> =>
  (await ask('GET', `/api/v1/servers/${server}/logs`)).text

/** 0: there was no answer, or not all of it. */
const statusOf = (answer: ReturnType<Ask>): Promise<number> =>
  answer.then(
    ({ status }) => status,
    () => 0,
  )

/** What is new is refused: with a coded 503, or at the door. */
const isRefused = async (url: string): Promise<boolean> => {
  try {
    return (await fetch(`${url}/projects/demo/mcp`, { method: 'POST' })).status === 503
  } catch {
    return true
  }
}

describe.each([
  ['mcpd', 'SIGTERM', () => startBoth('mcpd')],
  ['mcplocal', 'SIGTERM', () => startBoth('mcplocal')],
  ['mcpctl up', 'SIGINT', startUp],
] as const)('%s at %s under load', (program, signal, start) => {
  it('answers what it has taken, refuses what is new, ends its children and itself', async () => {
    const running = await start()
    const ask = asking(
      () => running,
      () => running.token,
    )
    try {
      await startServers(ask)
      const hasApi = program !== 'mcplocal'
      const children = below(running.toEnd.pid)
      const client = await connect(running)
      const { json: list } = await ask('GET', '/api/v1/servers')
      const watch = statusOf(ask('GET', `/api/v1/servers?changedAfter=${list.asOf}&timeoutSeconds=30`))
      const follow = statusOf(ask('GET', '/api/v1/servers/slow/logs?follow=true'))
      const secret = (name: string) => ({ metadata: { name }, spec: { data: { K: name } } })
      const half = halfSent(running, JSON.stringify(secret('half')))
      const call = (name: string) =>
        client.callTool({ name, arguments: { ms: 1_500 } }).then(
          ({ content }) => JSON.stringify(content),
          (error) => `failed: ${error}`,
        )
      const never = call('stubborn__never')
      await expect.poll(() => logOf(ask, 'stubborn')).toContain('called never')
      const writes = Array.from({ length: 20 }, (_, i) =>
        statusOf(ask('POST', '/api/v1/projects', { body: { metadata: { name: `racing-${i}` }, spec: {} } })),
      )
      expect(await Promise.race(writes)).toBe(201)
      const waiting = call('slow__wait')
      await expect.poll(() => logOf(ask, 'slow'), { interval: 20 }).toContain('called wait')

      const began = performance.now()
      const ended = running.toEnd.end(signal)
      await expect
        .poll(() => isRefused(hasApi ? running.url : running.mcplocal), { timeout: 3_000, interval: 10 })
        .toBe(true)
      half.finish()
      expect(await half.answered).toBe(201)
      expect(await waiting).toContain('waited')
      if (hasApi) {
        expect(await watch).toBe(200)
        expect(await follow).toBe(200)
      }
      expect(await ended).toBe(0)
      expect(performance.now() - began).toBeLessThan(DRAINED_MS)
      expect(await never).toContain('failed')
      expect(stillThere(children)).toEqual([])

      const statuses = await Promise.all(writes)
      if (!hasApi) return
      // What was acknowledged is there; of the rest nothing is half there.
      const again = await startDaemon({ program: 'mcpd', home })
      const retold = asking(
        () => again,
        () => running.token,
      )
      expect((await retold('GET', '/api/v1/secrets/half')).status).toBe(200)
      const { json: projects } = await retold('GET', '/api/v1/projects?limit=100')
      const names = projects.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)
      for (const [i, status] of statuses.entries()) if (status === 201) expect(names).toContain(`racing-${i}`)
      expect(await again.end('SIGTERM')).toBe(0)
    } finally {
      await running.stop()
    }
  }, 90_000)
})

describe.each([
  ['mcpd', 'SIGTERM', 'SIGINT', () => startBoth('mcpd')],
  ['mcpctl up', 'SIGINT', 'SIGTERM', startUp],
] as const)('%s at a second signal', (_program, first, second, start) => {
  it('ends at once, and its children with it', async () => {
    const running = await start()
    try {
      const ask = asking(
        () => running,
        () => running.token,
      )
      const spec = { command: process.execPath, args: [SERVER, '--stubborn', '--child'] }
      await ask('POST', '/api/v1/servers', { body: { metadata: { name: 'stubborn' }, spec } })
      const phase = async () => (await ask('GET', '/api/v1/instances')).json.items[0]?.status.phase
      await expect.poll(phase, { timeout: 60_000, interval: 100 }).toBe('running')
      const children = below(running.toEnd.pid)
      expect(children.length).toBeGreaterThan(2)
      void running.toEnd.end(first)
      await expect.poll(() => isRefused(running.url), { timeout: 5_000, interval: 10 }).toBe(true)
      const began = performance.now()
      expect(await running.toEnd.end(second)).toBe(130)
      expect(performance.now() - began).toBeLessThan(1_000)
      await expect.poll(() => stillThere(children), { timeout: 15_000 }).toEqual([])
    } finally {
      await running.stop()
    }
  }, 90_000)
})
