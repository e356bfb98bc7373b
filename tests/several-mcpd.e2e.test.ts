import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startWireServer, type WireServer } from '../adapters/eventstore/testing/wire-server.ts'
import { type Cluster, postgresPrograms, startCluster } from '../adapters/postgres/testing/cluster.ts'
import { type Daemon, environmentOf, startDaemon } from './testing/daemon.ts'
import { type Ran, runMcpctl } from './testing/system.ts'

// Two mcpd on one log and one Postgres, and a mcplocal at each: what a balancer would spread clients over.

const programs = await postgresPrograms()
const EVERYTHING = join(
  dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')),
  'dist/index.js',
)
const SOON = { timeout: 30_000, interval: 100 }

interface Node {
  readonly home: string
  readonly env: Record<string, string>
  mcpd: Daemon
  mcplocal: Daemon
}

let folder: string
let starts: string
let eventStore: WireServer
let cluster: Cluster
let one: Node
let two: Node
let token: string

const mcpctl = (node: Node, ...args: readonly string[]): Promise<Ran> =>
  runMcpctl(args, {
    ...node.env,
    MCPCTL_SERVER: node.mcpd.url,
    MCPCTL_MCPLOCAL: node.mcplocal.url,
    MCPCTL_TOKEN: token,
  })
const json = async (node: Node, ...args: readonly string[]) => {
  const { stdout, stderr } = await mcpctl(node, ...args, '-o', 'json')
  expect(stderr).toBe('')
  return JSON.parse(stdout)
}

const startNode = async (name: string, shared: Record<string, string>): Promise<Node> => {
  const home = join(folder, name)
  const mcpd = await startDaemon({ program: 'mcpd', home, env: shared })
  const mcplocal = await startDaemon({ program: 'mcplocal', home, args: ['--server', mcpd.url] })
  return { home, env: { ...environmentOf(home), ...shared }, mcpd, mcplocal }
}

const connect = async (node: Node): Promise<Client> => {
  const client = new Client({ name: 'test', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(`${node.mcplocal.url}/projects/demo/mcp`), {
    requestInit: { headers: { Authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Parameters<Client['connect']>[0])
  return client
}
const echo = async (client: Client, message: string): Promise<unknown> => {
  const { content } = await client.callTool({ name: 'everything__echo', arguments: { message } })
  return content
}
const timesStarted = async (): Promise<number> => (await readFile(starts, 'utf8')).split('\n').length - 1
const reactorAt = async (node: Node): Promise<string> => (await json(node, 'status')).reactors[0].state

describe.skipIf(programs === undefined)('two mcpd on one log and one Postgres', () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcpctl-several-'))
    starts = join(folder, 'starts')
    await writeFile(starts, '')
    token = `mcpctl_at_${randomBytes(32).toString('base64url')}`
    await writeFile(join(folder, 'token'), token, { mode: 0o600 })
    eventStore = await startWireServer()
    cluster = await startCluster(programs ?? '')
    const shared = {
      EVENTSTORE_URL: eventStore.connectionString,
      DATABASE_URL: await cluster.createDatabase('mcpctl'),
      MCPD_LEASE_SECONDS: '3',
      MCPCTL_MASTER_KEY: randomBytes(32).toString('base64'),
      MCPCTL_BOOTSTRAP_TOKEN_FILE: join(folder, 'token'),
    }
    ;[one, two] = await Promise.all([startNode('one', shared), startNode('two', shared)])
    // Which of them runs the servers is decided by a race: `one` is from here on the one that does.
    if ((await reactorAt(one)) === 'standby') [one, two] = [two, one]
  }, 120_000)
  afterAll(async () => {
    for (const node of [one, two]) {
      await node?.mcplocal.end('SIGKILL')
      await node?.mcpd.end('SIGTERM')
    }
    await eventStore?.stop()
    await cluster?.remove()
    await rm(folder, { recursive: true, force: true })
  }, 60_000)

  it('has one of them run the servers, and one keep the rows', async () => {
    expect([await reactorAt(one), await reactorAt(two)]).toEqual(['running', 'standby'])
    const keepers = [one, two].filter(({ mcpd }) => mcpd.log().includes('this mcpd keeps the read models'))
    expect(keepers).toHaveLength(1)
  })

  it('answers reads of what was just written at either, and of what the other wrote', async () => {
    for (let i = 0; i < 4; i++) {
      const [writer, other] = i % 2 === 0 ? [one, two] : [two, one]
      expect((await mcpctl(writer, 'create', 'secret', `s-${i}`, '--from-literal', `k=v${i}`)).code).toBe(0)
      expect((await json(writer, 'get', 'secret', `s-${i}`)).metadata.name).toBe(`s-${i}`)
      await expect.poll(async () => (await mcpctl(other, 'get', 'secret', `s-${i}`)).code, SOON).toBe(0)
      expect((await mcpctl(other, 'describe', 'secret', `s-${i}`, '--show-values')).stdout).toContain(`v${i}`)
    }
  })

  it('writes each revision into the history once', async () => {
    for (const node of [one, two, one, two]) {
      const description = `the ${node === one ? 'first' : 'second'} says so`
      const manifest = { kind: 'project', metadata: { name: 'p' }, spec: { servers: [], description } }
      const env = { ...node.env, MCPCTL_SERVER: node.mcpd.url, MCPCTL_TOKEN: token }
      expect((await runMcpctl(['apply', '-f', '-'], env, JSON.stringify(manifest))).stderr).toBe('')
    }
    for (const node of [one, two]) {
      const history = await json(node, 'history', 'project/p')
      expect(history.map(({ revision }: { revision: string }) => revision)).toEqual(['3', '2', '1', '0'])
    }
  })

  it('starts a server once, and serves it at both', async () => {
    const script = `echo started >> ${starts}; echo up and running >&2; exec ${process.execPath} ${EVERYTHING}`
    const manifests = [
      { kind: 'server', metadata: { name: 'everything' }, spec: { command: 'sh', args: ['-c', script] } },
      { kind: 'project', metadata: { name: 'demo' }, spec: { servers: [{ name: 'everything' }] } },
    ]
    // Declared at the one that runs none.
    const { stderr } = await runMcpctl(
      ['apply', '-f', '-'],
      { ...two.env, MCPCTL_SERVER: two.mcpd.url, MCPCTL_TOKEN: token },
      manifests.map((each) => JSON.stringify(each)).join('\n---\n'),
    )
    expect(stderr).toBe('')
    const phases = async (node: Node) =>
      (await json(node, 'get', 'instances')).items.map((each: { status: { phase: string } }) => each.status.phase)
    await expect.poll(() => phases(one), SOON).toEqual(['running'])
    await expect.poll(() => phases(two), SOON).toEqual(['running'])
    for (const node of [one, two]) {
      const client = await connect(node)
      await expect
        .poll(() => echo(client, 'hello').catch(String), SOON)
        .toEqual([{ type: 'text', text: 'Echo: hello' }])
      await client.close()
    }
    expect(await timesStarted()).toBe(1)
  })

  it('shows what the server prints and uses at both, and calls its tools from both', async () => {
    for (const node of [one, two]) {
      await expect
        .poll(async () => (await mcpctl(node, 'logs', 'server/everything')).stdout, SOON)
        .toContain('up and running')
      expect((await json(node, 'top', 'servers')).items).toMatchObject([{ name: 'everything', processes: 1 }])
      const called = await mcpctl(node, 'test', 'everything', '--tool', 'echo', '--arg', 'message=straight')
      expect(called).toMatchObject({ code: 0, stdout: 'Echo: straight\n' })
    }
  })

  it('goes on when the one that runs the servers is killed', async () => {
    const client = await connect(two)
    await expect
      .poll(() => echo(client, 'before').catch(String), SOON)
      .toEqual([{ type: 'text', text: 'Echo: before' }])
    await one.mcpd.end('SIGKILL')
    expect((await mcpctl(two, 'create', 'secret', 'while-alone', '--from-literal', 'k=1')).code).toBe(0)
    await expect.poll(() => echo(client, 'after').catch(String), SOON).toEqual([{ type: 'text', text: 'Echo: after' }])
    expect(await reactorAt(two)).toBe('running')
    expect(await timesStarted()).toBe(2)
    await client.close()
  }, 60_000)

  it('gives the servers back at once when the one that runs them ends in good order', async () => {
    one.mcpd = await startDaemon({ program: 'mcpd', home: one.home, env: one.env })
    expect(await reactorAt(one)).toBe('standby')
    expect(await two.mcpd.end('SIGTERM')).toBe(0)
    await expect.poll(() => reactorAt(one), SOON).toBe('running')
    await expect.poll(timesStarted, SOON).toBe(3)
    expect((await json(one, 'get', 'secret', 'while-alone')).metadata.name).toBe('while-alone')
  })
})
