import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startDemo, textOf } from '../testing/local.ts'

describe('a client that nobody here wrote', () => {
  it('is told what the servers can do together, and who answers', async () => {
    const files = new FakeServer(
      'files',
      { tools: {}, resources: { subscribe: true }, logging: {} },
      { instructions: 'Read before you write.' },
    )
    const web = new FakeServer('web', { prompts: {}, completions: {} })
    const { client } = await (await startDemo([files, web], { instructions: 'Be brief.' })).client()
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
      await startDemo([new FakeServer('a').tools('read', 'write'), new FakeServer('b').tools('read')])
    ).client()
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['a__read', 'a__write', 'b__read'])
    const result = await client.callTool({ name: 'b__read', arguments: { path: '/x' } })
    expect(textOf(result)).toEqual({ server: 'b', name: 'read', arguments: { path: '/x' } })
  })

  it('calls a tool without having listed any', async () => {
    const { client } = await (
      await startDemo([new FakeServer('a').tools('read'), new FakeServer('b').tools('read')])
    ).client()
    expect(textOf(await client.callTool({ name: 'a__read' }))).toMatchObject({ server: 'a', name: 'read' })
  })

  it('is told which name it may have meant', async () => {
    const { client } = await (
      await startDemo([new FakeServer('a').tools('read'), new FakeServer('b').tools('write')])
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
    const { client } = await (await startDemo([server])).client()
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
    const { client } = await (await startDemo([server])).client()
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
    const { client } = await (await startDemo([having('a'), having('b')])).client()
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
    const { client } = await (await startDemo([empty, having])).client()
    expect((await client.readResource({ uri: 'memo://1' })).contents).toEqual([{ uri: 'memo://1', text: 'here' }])
  })

  it('hears of a resource it has subscribed to, under the URI it knows', async () => {
    const having = (name: string) =>
      new FakeServer(name, { resources: { subscribe: true } })
        .on('resources/list', () => ({ resources: [{ uri: 'x://1', name: 'one' }] }))
        .on('resources/subscribe', () => ({}))
    const b = having('b')
    const { client } = await (await startDemo([having('a'), b])).client()
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
    const { client } = await (await startDemo([server, new FakeServer('b')])).client()
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
    const { client } = await (await startDemo([a, b])).client()
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
    const { client } = await (await startDemo([server])).client()
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
    const local = await startDemo([server, new FakeServer('b')])
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
    const local = await startDemo([new FakeServer('a').tools('x')])
    const { client, transport } = await local.client()
    await transport.terminateSession()
    expect(local.local.sessions()).toBe(0)
    await vi.waitFor(() => expect(local.mcpd.links).toBe(0))
    await expect(client.listTools()).rejects.toThrow('Mcp-Session-Id is missing')
  })
})

describe('connecting and disconnecting', () => {
  it('300 times leaves no session, link or handle', async () => {
    const local = await startDemo([new FakeServer('a').tools('x'), new FakeServer('b').tools('y')])
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
