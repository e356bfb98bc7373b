import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { freePort } from '../testing/free-port.ts'
import { shellServer } from '../testing/shell-server.ts'
import { type System, startSystem } from '../testing/system.ts'

// Servers that speak HTTP, here and elsewhere, and servers with a session of its own for each client, through a whole system.

const EVERYTHING = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')),
  'dist/index.js',
)
const IN_TIME = { timeout: 60_000, interval: 100 }

let home: string
let system: System
let elsewhere: ChildProcess
let port: number

/** server-everything over Streamable HTTP, as somebody else runs it. */
const startElsewhere = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: 'ignore',
  })
  await vi.waitFor(() => fetch(`http://127.0.0.1:${port}/mcp`), IN_TIME)
  return child
}
const end = async (child: ChildProcess): Promise<void> => {
  const exit = once(child, 'exit')
  child.kill('SIGKILL')
  await exit
}

const declare = async (name: string, spec: object): Promise<void> => {
  const documents = [
    { kind: 'server', metadata: { name }, spec },
    { kind: 'project', metadata: { name }, spec: { servers: [{ name }], namespacing: 'never' } },
  ]
  const stdin = documents.map((each) => stringify(each)).join('---\n')
  expect(await system.mcpctl(['apply', '-f', '-'], { stdin })).toMatchObject({ code: 0 })
}

const described = async (server: string): Promise<string> =>
  (await system.mcpctl(['describe', 'server', server])).stdout +
  (await system.mcpctl(['get', 'instances', '-o', 'wide'])).stdout

/** Until the server's copies serve. */
const serving = (server: string, copies = 1) =>
  vi.waitFor(async () => {
    const { stdout } = await system.mcpctl(['get', 'server', server, '-o', 'json'])
    expect(JSON.parse(stdout).status?.readyReplicas).toBe(copies)
  }, IN_TIME)

const call = async (client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> => {
  const { content } = await client.callTool({ name, arguments: args })
  return (content as readonly { text?: string }[])[0]?.text ?? ''
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-sessions-'))
  port = await freePort()
  system = await startSystem(home)
  elsewhere = await startElsewhere()
}, 60_000)
afterAll(async () => {
  await system?.kill('SIGTERM')
  await end(elsewhere)
  await rm(home, { recursive: true, force: true })
}, 30_000)

describe('a server that speaks HTTP', { timeout: 120_000 }, () => {
  it('elsewhere is called at its URL, and again after it was started anew and forgot everybody', async () => {
    await declare('url', { externalUrl: `http://127.0.0.1:${port}/mcp`, transport: 'STREAMABLE_HTTP' })
    await serving('url')
    const client = await system.connect('url')
    expect(await call(client, 'echo', { message: 'one' })).toBe('Echo: one')
    await end(elsewhere)
    await expect(call(client, 'echo', { message: 'nobody' })).rejects.toThrow()
    elsewhere = await startElsewhere()
    // One call may fall into the moment in which the old session is found to be gone; the instance is not started again.
    await vi.waitFor(async () => expect(await call(client, 'echo', { message: 'two' })).toBe('Echo: two'), IN_TIME)
    const { stdout } = await system.mcpctl(['get', 'instances', '-o', 'json'])
    expect(JSON.parse(stdout).items[0].status).toMatchObject({ restarts: 0, attemptCount: 0 })
    await client.close()
  })

  it('here is started, waited for and called at its port', async () => {
    const own = String(await freePort())
    await declare('sse', {
      command: process.execPath,
      args: [EVERYTHING, 'sse'],
      env: [{ name: 'PORT', value: own }],
      transport: 'SSE',
      containerPort: Number(own),
    })
    await serving('sse')
    const client = await system.connect('sse')
    expect(await call(client, 'echo', { message: 'sse' })).toBe('Echo: sse')
    await client.close()
  })

  it('at an address of cloud metadata is not asked anything', async () => {
    await declare('metadata', { externalUrl: 'http://169.254.169.254/mcp', transport: 'STREAMABLE_HTTP' })
    await vi.waitFor(async () => expect(await described('metadata')).toContain('address of cloud metadata'), IN_TIME)
  })

  it('that nobody runs says so, and where it was looked for', async () => {
    const nobody = await freePort()
    await declare('nobody', { externalUrl: `http://127.0.0.1:${nobody}/mcp`, transport: 'STREAMABLE_HTTP' })
    await vi.waitFor(
      async () => expect(await described('nobody')).toMatch(new RegExp(`127.0.0.1:${nobody}.*nobody listens there`)),
      IN_TIME,
    )
  })
})

describe('a server with a session of its own for each client', { timeout: 180_000 }, () => {
  it('is another process for each, over all replicas, and the same one for each call of a client', async () => {
    await declare('own', { ...shellServer, sessions: 'dedicated', replicas: 2 })
    await serving('own', 2)
    const clients = await Promise.all(Array.from({ length: 6 }, () => system.connect('own')))
    const pids = await Promise.all(clients.map((client) => call(client, 'pid')))
    expect(new Set(pids).size).toBe(6)
    expect(await Promise.all(clients.map((client) => call(client, 'pid')))).toEqual(pids)
    await Promise.all(clients.map((client) => client.close()))
  })
})
