import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { type Local, startLocal } from '../testing/local.ts'

let running: Local | undefined
afterEach(async () => {
  await running?.close()
  running = undefined
})

const start = async (servers: readonly FakeServer[], project: object = {}, options: object = {}): Promise<Local> => {
  running = await startLocal(new FakeMcpd().project('demo', { servers, ...project }), options)
  return running
}

const textOf = (result: unknown): unknown =>
  JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? '')

describe('a client that nobody here wrote', () => {
  it('is told what the servers can do together, and who answers', async () => {
    const files = new FakeServer(
      'files',
      { tools: {}, resources: { subscribe: true }, logging: {} },
      { instructions: 'Read before you write.' },
    )
    const web = new FakeServer('web', { prompts: {}, completions: {} })
    const { client } = await (await start([files, web], { instructions: 'Be brief.' })).client()
    expect(client.getServerCapabilities()).toEqual({
      tools: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      prompts: { listChanged: true },
      logging: {},
      completions: {},
    })
    expect(client.getServerVersion()).toEqual({ name: 'mcpctl/demo', version: '1.2.3' })
    expect(client.getInstructions()).toBe('Be brief.\n\n## files\n\nRead before you write.')
  })

  it('sees the tools of all servers in one list and calls each where it is', async () => {
    const { client } = await (
      await start([new FakeServer('a').tools('read', 'write'), new FakeServer('b').tools('read')])
    ).client()
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['a__read', 'a__write', 'b__read'])
    const result = await client.callTool({ name: 'b__read', arguments: { path: '/x' } })
    expect(textOf(result)).toEqual({ server: 'b', name: 'read', arguments: { path: '/x' } })
  })

  it('calls a tool without having listed any', async () => {
    const { client } = await (
      await start([new FakeServer('a').tools('read'), new FakeServer('b').tools('read')])
    ).client()
    expect(textOf(await client.callTool({ name: 'a__read' }))).toMatchObject({ server: 'a', name: 'read' })
  })

  it('is told which name it may have meant', async () => {
    const { client } = await (
      await start([new FakeServer('a').tools('read'), new FakeServer('b').tools('write')])
    ).client()
    await expect(client.callTool({ name: 'a__raed' })).rejects.toMatchObject({
      code: -32602,
      message: expect.stringContaining('Unknown tool: a__raed. Did you mean a__read?'),
    })
  })

  it('gets progress under its own token, while the call runs', async () => {
    const server = new FakeServer('a').tools('slow').on('tools/call', ({ params, notify }) => {
      const progressToken = (params._meta as { progressToken: number }).progressToken
      for (const progress of [1, 2, 3]) notify('notifications/progress', { progressToken, progress, total: 3 })
      return { content: [] }
    })
    const { client } = await (await start([server])).client()
    const seen: number[] = []
    await client.callTool({ name: 'a__slow' }, undefined, { onprogress: ({ progress }) => seen.push(progress) })
    expect(seen).toEqual([1, 2, 3])
  })

  it('cancels a call, and the server hears of it', async () => {
    let stopped = false
    const server = new FakeServer('a').tools('slow').on('tools/call', ({ signal }) => {
      return new Promise((resolve) =>
        signal.addEventListener('abort', () => {
          stopped = true
          resolve({})
        }),
      )
    })
    const { client } = await (await start([server])).client()
    const abort = new AbortController()
    const call = client.callTool({ name: 'a__slow' }, undefined, { signal: abort.signal })
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    abort.abort('enough')
    await expect(call).rejects.toThrow('enough')
    await vi.waitFor(() => expect(stopped).toBe(true))
  })

  it('reads resources of two servers that have the same URI', async () => {
    const having = (name: string) =>
      new FakeServer(name, { resources: {} })
        .on('resources/list', () => ({ resources: [{ uri: 'file:///readme', name: 'readme' }] }))
        .on('resources/templates/list', () => ({ resourceTemplates: [{ uriTemplate: `${name}:///{path}`, name }] }))
        .on('resources/read', ({ params }) => ({ contents: [{ uri: params.uri ?? '', text: name }] }))
    const { client } = await (await start([having('a'), having('b')])).client()
    const { resources } = await client.listResources()
    expect(resources.map(({ uri }) => uri)).toEqual(['file:///readme', 'b+file:///readme'])
    expect((await client.readResource({ uri: 'b+file:///readme' })).contents).toEqual([
      { uri: 'b+file:///readme', text: 'b' },
    ])
    expect((await client.readResource({ uri: 'a:///some/where' })).contents).toEqual([
      { uri: 'a:///some/where', text: 'a' },
    ])
    const { resourceTemplates } = await client.listResourceTemplates()
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual(['a:///{path}', 'b:///{path}'])
  })

  it('reads a resource nobody lists from the first server that has it', async () => {
    const empty = new FakeServer('a', { resources: {} }).on('resources/list', () => ({ resources: [] }))
    const having = new FakeServer('b', { resources: {} })
      .on('resources/list', () => ({ resources: [] }))
      .on('resources/read', ({ params }) => ({ contents: [{ uri: params.uri ?? '', text: 'here' }] }))
    const { client } = await (await start([empty, having])).client()
    expect((await client.readResource({ uri: 'memo://1' })).contents).toEqual([{ uri: 'memo://1', text: 'here' }])
  })

  it('hears of a resource it has subscribed to, under the URI it knows', async () => {
    const having = (name: string) =>
      new FakeServer(name, { resources: { subscribe: true } })
        .on('resources/list', () => ({ resources: [{ uri: 'x://1', name: 'one' }] }))
        .on('resources/subscribe', () => ({}))
    const b = having('b')
    const { client } = await (await start([having('a'), b])).client()
    const updated: string[] = []
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri))
    await client.listResources()
    await client.subscribeResource({ uri: 'b+x://1' })
    b.notify('notifications/resources/updated', { uri: 'x://1' })
    await vi.waitFor(() => expect(updated).toEqual(['b+x://1']))
  })

  it('gets prompts, and completions for their arguments', async () => {
    const server = new FakeServer('a', { prompts: {}, completions: {} })
      .on('prompts/list', () => ({ prompts: [{ name: 'greet', arguments: [{ name: 'who' }] }] }))
      .on('prompts/get', ({ params }) => ({
        messages: [{ role: 'user', content: { type: 'text', text: `Hello ${JSON.stringify(params)}` } }],
      }))
      .on('completion/complete', ({ params }) => ({ completion: { values: [JSON.stringify(params.ref)] } }))
    const { client } = await (await start([server, new FakeServer('b')])).client()
    expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['a__greet'])
    const { messages } = await client.getPrompt({ name: 'a__greet', arguments: { who: 'you' } })
    expect(messages[0]?.content).toMatchObject({ text: 'Hello {"name":"greet","arguments":{"who":"you"}}' })
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'a__greet' },
      argument: { name: 'who', value: 'y' },
    })
    expect(completion.values).toEqual(['{"type":"ref/prompt","name":"greet"}'])
  })

  it('sets the level of all servers that log, and hears of nothing below it', async () => {
    const logs = (name: string) => new FakeServer(name, { logging: {} }).on('logging/setLevel', () => ({}))
    const [a, b] = [logs('a'), logs('b')]
    const { client } = await (await start([a, b])).client()
    const seen: unknown[] = []
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void seen.push(params))
    await client.setLoggingLevel('warning')
    expect([a.methods(), b.methods()]).toEqual([['logging/setLevel'], ['logging/setLevel']])
    a.notify('notifications/message', { level: 'info', data: 'hidden' })
    b.notify('notifications/message', { level: 'error', logger: 'db', data: { lost: 1 } })
    await vi.waitFor(() => expect(seen).toEqual([{ level: 'error', logger: 'db', data: { lost: 1 } }]))
  })

  it('hears once that a list has changed, and then sees the new one', async () => {
    const server = new FakeServer('a').tools('one')
    const { client } = await (await start([server])).client()
    let changes = 0
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void changes++)
    expect((await client.listTools()).tools).toHaveLength(1)
    server.tools('one', 'two')
    expect((await client.listTools()).tools).toHaveLength(1) // from the cache
    for (let i = 0; i < 5; i++) server.notify('notifications/tools/list_changed')
    await vi.waitFor(() => expect(changes).toBe(1))
    expect((await client.listTools()).tools).toHaveLength(2)
    expect(changes).toBe(1)
  })

  it('answers what servers ask it: sampling, elicitation, roots', async () => {
    const server = new FakeServer('a').tools('ask').on('tools/call', async ({ ask }) => {
      const answers = await Promise.all([
        ask('sampling/createMessage', { messages: [], maxTokens: 5 }),
        ask('elicitation/create', { message: 'Sure?', requestedSchema: { type: 'object', properties: {} } }),
        ask('roots/list', {}),
      ])
      return { content: [{ type: 'text', text: JSON.stringify(answers.map(({ result }) => result)) }] }
    })
    const local = await start([server, new FakeServer('b')])
    const { client } = await local.client('demo', { sampling: {}, elicitation: {}, roots: {} })
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'm',
      role: 'assistant',
      content: { type: 'text', text: 'sampled' },
    }))
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' }))
    client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///home' }] }))
    expect(textOf(await client.callTool({ name: 'a__ask' }))).toEqual([
      { model: 'm', role: 'assistant', content: { type: 'text', text: 'sampled' } },
      { action: 'decline' },
      { roots: [{ uri: 'file:///home' }] },
    ])
  })

  it('ends its session with DELETE', async () => {
    const { client, transport } = await (await start([new FakeServer('a').tools('x')])).client()
    await transport.terminateSession()
    expect(running?.local.sessions()).toBe(0)
    await vi.waitFor(() => expect(running?.mcpd.links).toBe(0))
    await expect(client.listTools()).rejects.toThrow('Mcp-Session-Id is missing')
  })
})

describe('a link that breaks', () => {
  it('ends the calls under way with an error, and not the session', async () => {
    const server = new FakeServer('a').tools('x', 'slow')
    server.on('tools/call', ({ params }) =>
      params.name === 'slow' ? new Promise(() => {}) : { content: [{ type: 'text', text: '"ok"' }] },
    )
    const { client } = await (await start([server])).client()
    const call = client.callTool({ name: 'a__slow' })
    const failed = expect(call).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('mcpd went away'),
    })
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    running?.mcpd.breakLinks()
    await failed
    expect(textOf(await client.callTool({ name: 'a__x' }))).toBe('ok')
    expect(server.methods().filter((method) => method === 'tools/call')).toHaveLength(2)
    expect(running?.mcpd.dials).toBe(2)
  })

  it('is opened again with the subscriptions and the log level', async () => {
    const server = new FakeServer('a', { resources: { subscribe: true }, logging: {} })
      .on('resources/subscribe', () => ({}))
      .on('logging/setLevel', () => ({}))
    const { client } = await (await start([server])).client()
    await client.subscribeResource({ uri: 'x://1' })
    await client.setLoggingLevel('error')
    server.got.length = 0
    running?.mcpd.breakLinks()
    await vi.waitFor(() => expect(server.methods()).toEqual(['resources/subscribe', 'logging/setLevel']))
    expect(server.got.map(({ params }) => params)).toEqual([{ uri: 'x://1' }, { level: 'error' }])
  })

  it('lets calls wait a while for the next, and then says that mcpd is away', async () => {
    const local = await start([new FakeServer('a').tools('x')], {}, { sessionLimits: { linkWaitMs: 30 } })
    const { client } = await local.client()
    local.mcpd.down = new Error('no route')
    local.mcpd.breakLinks()
    await expect(client.callTool({ name: 'a__x' })).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('mcpd is not reachable'),
    })
    local.mcpd.down = undefined
    await vi.waitFor(async () => expect(textOf(await client.callTool({ name: 'a__x' }))).toMatchObject({ name: 'x' }))
  })

  it('ends the session when the right to the project is gone', async () => {
    const { client } = await (await start([new FakeServer('a').tools('x')])).client()
    running?.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    await vi.waitFor(() => expect(running?.local.sessions()).toBe(0))
    await expect(client.callTool({ name: 'a__x' })).rejects.toThrow()
    expect(running?.mcpd.dials).toBe(1)
  })
})

describe('a broken server', () => {
  it('takes no other server down: the list goes without it after its deadline', async () => {
    const hung = new FakeServer('hung').on('tools/list', () => new Promise(() => {}))
    const broken = new FakeServer('broken')
    const local = await start([hung, new FakeServer('good').tools('x'), broken], {}, { sessionLimits: { listMs: 50 } })
    const { client } = await local.client()
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['good__x'])
    expect(local.logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ server: 'broken', reason: 'broken has no tools/list' }),
      expect.objectContaining({ server: 'hung', reason: expect.stringContaining('did not answer within') }),
    ])
  })

  it('is named with the reason to who calls it, and is back when it is ready', async () => {
    const server = new FakeServer('a').tools('x')
    const local = await start([server, new FakeServer('b').tools('y')])
    const { client } = await local.client()
    await client.listTools()
    server.state = 'unavailable'
    server.reason = 'exited with code 1'
    local.mcpd.update('demo')
    await vi.waitFor(async () => expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['b__y']))
    await expect(client.callTool({ name: 'a__x' })).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('Server a is unavailable: exited with code 1'),
    })
    server.state = 'ready'
    local.mcpd.update('demo')
    await vi.waitFor(async () => expect((await client.listTools()).tools).toHaveLength(2))
    expect(textOf(await client.callTool({ name: 'a__x' }))).toMatchObject({ server: 'a' })
  })

  it('that answers for another is not heard', async () => {
    const a = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const b = new FakeServer('b').tools('y')
    const local = await start([a, b])
    const { client } = await local.client()
    const call = client.callTool({ name: 'a__x' }, undefined, { timeout: 300 })
    const failed = expect(call).rejects.toMatchObject({ code: -32001 })
    await vi.waitFor(() => expect(a.methods()).toContain('tools/call'))
    const id = a.got.find(({ method }) => method === 'tools/call')?.id ?? 0
    b.send({ jsonrpc: '2.0', id, result: { content: [] } })
    await failed
  })

  it('that does not answer ends the call at its deadline, and is told', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const local = await start([server], {}, { sessionLimits: { callMs: 30 } })
    const { client } = await local.client()
    await expect(client.callTool({ name: 'a__x' })).rejects.toMatchObject({ code: -32001 })
    expect(server.methods()).toContain('notifications/cancelled')
  })
})

describe('lists', () => {
  it('are followed through all pages', async () => {
    const server = new FakeServer('a').on('tools/list', ({ params }) => {
      const page = Number(params.cursor ?? 0)
      const tool = { name: `t${page}`, inputSchema: { type: 'object' } }
      return page < 3 ? { tools: [tool], nextCursor: String(page + 1) } : { tools: [tool] }
    })
    const { client } = await (await start([server])).client()
    const { tools, nextCursor } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['a__t0', 'a__t1', 'a__t2', 'a__t3'])
    expect(nextCursor).toBeUndefined()
  })

  it('are asked of a server once, however many sessions want them at the same time', async () => {
    const server = new FakeServer('a').tools('x')
    const local = await start([server])
    const clients = await Promise.all([local.client(), local.client(), local.client()])
    const lists = await Promise.all(clients.flatMap(({ client }) => [client.listTools(), client.listTools()]))
    expect(lists.map(({ tools }) => tools.length)).toEqual([1, 1, 1, 1, 1, 1])
    expect(server.methods().filter((method) => method === 'tools/list')).toHaveLength(1)
  })

  it('go on when the session that asked for them ends', async () => {
    let answer = (): void => {}
    const server = new FakeServer('a').on(
      'tools/list',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ tools: [{ name: 'x', inputSchema: { type: 'object' } }] })
        }),
    )
    const local = await start([server])
    const [first, second] = [await local.client(), await local.client()]
    const lost = first.client.listTools().catch(() => undefined)
    await vi.waitFor(() => expect(server.methods()).toEqual(['tools/list']))
    const list = second.client.listTools()
    await first.transport.terminateSession()
    await lost
    await vi.waitFor(() => expect(server.methods()).toEqual(['tools/list', 'tools/list']))
    answer()
    expect((await list).tools).toHaveLength(1)
  })
})

describe('connecting and disconnecting', () => {
  it('300 times leaves no session, link or handle', async () => {
    const local = await start([new FakeServer('a').tools('x'), new FakeServer('b').tools('y')])
    await local.client().then(({ transport }) => transport.terminateSession())
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    for (let round = 0; round < 30; round++)
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const { client, transport } = await local.client()
          await client.listTools()
          await client.callTool({ name: 'a__x' })
          await transport.terminateSession()
          await client.close()
        }),
      )
    expect(local.local.sessions()).toBe(0)
    await vi.waitFor(() => expect(local.mcpd.links).toBe(0))
    await vi.waitFor(() => expect(timers()).toBeLessThanOrEqual(before))
  }, 60_000)
})
