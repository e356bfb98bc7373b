import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createLinkPair } from '../../adapters/link/in-process.ts'
import { serveLink } from '../../adapters/mcp/router.ts'
import { createTestMcpd, everything, projectWith, silent, type TestMcpd } from '../../adapters/mcp/testing/mcpd.ts'
import type { LinkDialer } from '../../domain/mcp/link.ts'
import { BEARER, FakeMcpd } from '../testing/fake-mcpd.ts'
import { type Local, startLocal } from '../testing/local.ts'

/** A client nobody here wrote, mcplocal, mcpd's own router, a server nobody here wrote. */
let mcpd: TestMcpd
let local: Local
const INSTANCE = 'everything-1'

beforeAll(async () => {
  mcpd = createTestMcpd(projectWith('everything'))
  await mcpd.start(everything(INSTANCE))
  const dialer: LinkDialer = {
    dial: async (project) => {
      const [ours, theirs] = createLinkPair()
      serveLink({ project, link: ours, topology: mcpd.topology, host: mcpd.host, logger: silent })
      return theirs
    },
  }
  local = await startLocal(new FakeMcpd(), { dialer })
})
afterAll(async () => {
  await local.close()
  await mcpd.close()
})

it('tools are listed under their server and answer', async () => {
  const { client } = await local.client()
  const names = (await client.listTools()).tools.map(({ name }) => name)
  expect(names).toContain('everything__echo')
  const result = await client.callTool({ name: 'everything__echo', arguments: { message: 'ünï🎈' } })
  expect(result.content).toEqual([{ type: 'text', text: 'Echo: ünï🎈' }])
})

it('progress comes while a long operation runs', async () => {
  const { client } = await local.client()
  const seen: number[] = []
  const tool = { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.2, steps: 4 } }
  await client.callTool(tool, undefined, { onprogress: ({ progress }) => seen.push(progress) })
  expect(seen).toEqual([1, 2, 3, 4])
})

it('resources, templates, prompts and completions are there', async () => {
  const { client } = await local.client()
  expect((await client.listResources()).resources.length).toBeGreaterThan(0)
  const [template] = (await client.listResourceTemplates()).resourceTemplates
  expect(template?.uriTemplate).toBe('demo://resource/dynamic/text/{resourceId}')
  const { contents } = await client.readResource({ uri: 'demo://resource/dynamic/text/1' })
  expect(contents[0]).toMatchObject({ uri: 'demo://resource/dynamic/text/1' })
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toContain('everything__simple-prompt')
  const { messages } = await client.getPrompt({ name: 'everything__simple-prompt' })
  expect(messages).toHaveLength(1)
  const { completion } = await client.complete({
    ref: { type: 'ref/prompt', name: 'everything__completable-prompt' },
    argument: { name: 'department', value: 'E' },
  })
  expect(completion.values).toEqual(['Engineering'])
})

it('updates of a resource and log messages reach the client that asked for them', async () => {
  const { client } = await local.client()
  const seen = { updated: [] as string[], logged: 0 }
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void seen.updated.push(params.uri))
  client.setNotificationHandler(LoggingMessageNotificationSchema, () => void seen.logged++)
  await client.subscribeResource({ uri: 'demo://resource/dynamic/text/1' })
  await client.setLoggingLevel('debug')
  await client.callTool({ name: 'everything__toggle-subscriber-updates' })
  await client.callTool({ name: 'everything__toggle-simulated-logging' })
  await vi.waitFor(() => expect(seen.updated).toContain('demo://resource/dynamic/text/1'), { timeout: 10_000 })
  await vi.waitFor(() => expect(seen.logged).toBeGreaterThan(0), { timeout: 10_000 })
}, 25_000)

it('a client of the old transport has the same', async () => {
  const url = new URL(local.endpoint('demo').href.replace(/mcp$/, 'sse'))
  const client = new Client({ name: 'old', version: '1' })
  const requestInit = { headers: { Authorization: `Bearer ${BEARER}` } }
  await client.connect(new SSEClientTransport(url, { requestInit }) as Parameters<Client['connect']>[0])
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('everything__echo')
  const seen: number[] = []
  const tool = { name: 'everything__trigger-long-running-operation', arguments: { duration: 0.2, steps: 2 } }
  await client.callTool(tool, undefined, { onprogress: ({ progress }) => seen.push(progress) })
  expect(seen[0]).toBe(1)
  const { contents } = await client.readResource({ uri: 'demo://resource/dynamic/text/1' })
  expect(contents[0]).toMatchObject({ uri: 'demo://resource/dynamic/text/1' })
  const before = local.local.sessions()
  await client.close()
  await vi.waitFor(() => expect(local.local.sessions()).toBe(before - 1))
})

it('a session goes on when its server was killed and is started again', async () => {
  const { client } = await local.client()
  await client.callTool({ name: 'everything__echo', arguments: { message: '1' } })
  for (const child of mcpd.runtime.children) child.kill('SIGKILL')
  const call = () => client.callTool({ name: 'everything__echo', arguments: { message: '2' } })
  await vi.waitFor(() => expect(call()).rejects.toThrow('Server everything is unavailable'))
  await mcpd.start(everything(INSTANCE))
  await vi.waitFor(async () => expect((await call()).content).toEqual([{ type: 'text', text: 'Echo: 2' }]))
}, 15_000)
