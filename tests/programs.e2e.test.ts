import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Cluster, postgresPrograms, startCluster } from '../adapters/postgres/testing/cluster.ts'
import { type Daemon, startDaemon } from './testing/daemon.ts'
import { MCPCTL, runMcpctl } from './testing/system.ts'

// mcpd and mcplocal as programs of their own, on Postgres where one is installed.

const programs = await postgresPrograms()

let home: string
let cluster: Cluster | undefined
let env: Record<string, string>
let mcpd: Daemon
let mcplocal: Daemon
let token: string

const start = (program: 'mcpd' | 'mcplocal', port = 0, args: readonly string[] = []): Promise<Daemon> =>
  startDaemon({ program, home, env, args: ['--port', `${port}`, ...args] })

const mcpctl = (...args: readonly string[]) =>
  runMcpctl(args, { ...env, MCPCTL_SERVER: mcpd.url, MCPCTL_MCPLOCAL: mcplocal?.url ?? '', MCPCTL_TOKEN: token })

const running = (server: string) =>
  vi.waitFor(
    async () => {
      const { stdout } = await mcpctl('get', 'instances', '--server', server, '-o', 'json')
      expect(JSON.parse(stdout).items).toMatchObject([{ status: { phase: 'running' } }])
    },
    { timeout: 60_000, interval: 200 },
  )

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-programs-'))
  if (programs !== undefined) cluster = await startCluster(programs)
  const database = cluster === undefined ? {} : { DATABASE_URL: await cluster.createDatabase('mcpctl') }
  env = { PATH: process.env.PATH ?? '', HOME: home, MCPCTL_HOME: join(home, '.mcpctl'), ...database }
  mcpd = await start('mcpd')
  token = /mcpctl_at_[\w-]{43}/.exec(mcpd.log())?.[0] ?? ''
  mcplocal = await start('mcplocal', 0, ['--server', mcpd.url])
  const everything = { packageName: '@modelcontextprotocol/server-everything' }
  const manifests = [
    { kind: 'project', metadata: { name: 'demo' }, spec: { servers: [{ name: 'everything' }] } },
    { kind: 'server', metadata: { name: 'everything' }, spec: everything },
  ]
  const applied = await runMcpctl(
    ['apply', '-f', '-'],
    { ...env, MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: token },
    manifests.map((each) => JSON.stringify(each)).join('\n---\n'),
  )
  expect(applied.stderr).toBe('')
  await running('everything')
}, 120_000)
afterAll(async () => {
  await mcplocal.end('SIGKILL')
  await mcpd.end('SIGTERM')
  await cluster?.remove()
  await rm(home, { recursive: true, force: true })
})

const connect = async (bearer = token): Promise<Client> => {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${mcplocal.url}/projects/demo/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${bearer}` } },
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}
const echo = async (client: Client, message: string): Promise<unknown> =>
  (await client.callTool({ name: 'everything__echo', arguments: { message } })).content

describe('mcpd and mcplocal as programs of their own', () => {
  it('show the first token once, and not in the log', async () => {
    expect(token).not.toBe('')
    expect(mcpd.log().match(/mcpctl_at_/g)).toHaveLength(1)
    expect((await mcpctl('whoami')).stdout).toContain('admin')
  })

  it('keep the rows where DATABASE_URL says', async () => {
    const status = JSON.parse((await mcpctl('status', '-o', 'json')).stdout)
    expect(status.database.kind).toBe(cluster === undefined ? 'pglite' : 'postgres')
  })

  it('serve a client over Streamable HTTP', async () => {
    const client = await connect()
    expect(await echo(client, 'over http')).toEqual([{ type: 'text', text: 'Echo: over http' }])
    await client.close()
  })

  it('let nobody in without a valid token', async () => {
    await expect(connect('mcpctl_at_wrong')).rejects.toThrow()
  })

  it('pass a long answer on as its server wrote it', async () => {
    const client = await connect()
    const message = 'ünï🎈 "isError": true, \\ },"jsonrpc":"2.0","id":1} '.repeat(30_000)
    expect(await echo(client, message)).toEqual([{ type: 'text', text: `Echo: ${message}` }])
    expect(await echo(client, 'and go on')).toEqual([{ type: 'text', text: 'Echo: and go on' }])
    await client.close()
  })

  it('serve a client over STDIO, with no token in its configuration', async () => {
    const client = new Client({ name: 'test', version: '1' })
    const transport = new StdioClientTransport({
      command: process.execPath,
      args: [MCPCTL, 'mcp', '-p', 'demo'],
      env: { ...env, MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: token },
      stderr: 'ignore',
    })
    await client.connect(transport)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('everything__echo')
    expect(await echo(client, 'over stdio')).toEqual([{ type: 'text', text: 'Echo: over stdio' }])
    const long = 'ünï🎈'.repeat(100_000)
    expect(await echo(client, long)).toEqual([{ type: 'text', text: `Echo: ${long}` }])
    await client.close()
  })

  it.each<[string, (child: ChildProcessWithoutNullStreams) => unknown]>([
    ['stdin is closed', ({ stdin }) => stdin.end()],
    [
      'nobody reads stdout any more',
      ({ stdin, stdout }) => {
        stdout.destroy()
        stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'ping' })}\n`)
      },
    ],
    ['SIGTERM comes', (child) => child.kill('SIGTERM')],
    ['SIGINT comes', (child) => child.kill('SIGINT')],
  ])('end a client over STDIO in good order in the middle of a call: %s', async (_, leave) => {
    const child = spawn(process.execPath, [MCPCTL, 'mcp', '-p', 'demo'], {
      env: { ...env, MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: token },
    })
    const ended = once(child, 'exit')
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    const name = 'everything__trigger-long-running-operation'
    const call = { name, arguments: { duration: 60, steps: 60 }, _meta: { progressToken: 1 } }
    for (const message of [
      { id: 1, method: 'initialize', params },
      { id: 2, method: 'tools/call', params: call },
    ])
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
    let out = ''
    child.stdout.on('data', (data) => {
      out += data
    })
    await expect.poll(() => out, { timeout: 30_000 }).toContain('notifications/progress')
    leave(child)
    expect(await ended).toEqual([0, null])
  })

  it('go on with a session after mcpd was killed and started', async () => {
    const client = await connect()
    await echo(client, 'before')
    const port = new URL(mcpd.url).port
    await mcpd.end('SIGKILL')
    mcpd = await start('mcpd', Number(port))
    expect(mcpd.log()).not.toContain('mcpctl_at_')
    await running('everything')
    await expect
      .poll(() => echo(client, 'after').catch((error: unknown) => String(error)), { timeout: 30_000, interval: 200 })
      .toEqual([{ type: 'text', text: 'Echo: after' }])
    await client.close()
  })

  it('end with code 0 when they are told to', async () => {
    expect(await mcplocal.end('SIGTERM')).toBe(0)
    mcplocal = await start('mcplocal', Number(new URL(mcplocal.url).port), ['--server', mcpd.url])
    const port = new URL(mcpd.url).port
    expect(await mcpd.end('SIGTERM')).toBe(0)
    mcpd = await start('mcpd', Number(port))
  })
})
