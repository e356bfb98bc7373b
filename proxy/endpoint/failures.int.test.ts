import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startDemo, textOf } from '../testing/local.ts'

describe('a link that breaks', () => {
  it('ends the calls under way with an error, and not the session', async () => {
    const server = new FakeServer('a').tools('x', 'slow')
    server.on('tools/call', ({ params }) =>
      params.name === 'slow' ? new Promise(() => {}) : { content: [{ type: 'text', text: '"ok"' }] },
    )
    const local = await startDemo([server])
    const { client } = await local.client()
    const call = client.callTool({ name: 'a__slow' })
    const failed = expect(call).rejects.toMatchObject({
      code: -32000,
      message: expect.stringContaining('mcpd went away'),
    })
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    local.mcpd.breakLinks()
    await failed
    expect(textOf(await client.callTool({ name: 'a__x' }))).toBe('ok')
    expect(server.methods().filter((method) => method === 'tools/call')).toHaveLength(2)
    expect(local.mcpd.dials).toBe(2)
  })

  it('is opened again with the subscriptions and the log level', async () => {
    const server = new FakeServer('a', { resources: { subscribe: true }, logging: {} })
      .on('resources/subscribe', () => ({}))
      .on('logging/setLevel', () => ({}))
    const local = await startDemo([server])
    const { client } = await local.client()
    await client.subscribeResource({ uri: 'x://1' })
    await client.setLoggingLevel('error')
    server.got.length = 0
    local.mcpd.breakLinks()
    await vi.waitFor(() => expect(server.methods()).toEqual(['resources/subscribe', 'logging/setLevel']))
    expect(server.got.map(({ params }) => params)).toEqual([{ uri: 'x://1' }, { level: 'error' }])
  })

  it('lets calls wait a while for the next, and then says that mcpd is away', async () => {
    const local = await startDemo([new FakeServer('a').tools('x')], {}, { sessionLimits: { linkWaitMs: 30 } })
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
    const local = await startDemo([new FakeServer('a').tools('x')])
    const { client } = await local.client()
    local.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    await vi.waitFor(() => expect(local.local.sessions()).toBe(0))
    await expect(client.callTool({ name: 'a__x' })).rejects.toThrow()
    expect(local.mcpd.dials).toBe(1)
  })
})

describe('a broken server', () => {
  it('takes no other server down: the list goes without it after its deadline', async () => {
    const hung = new FakeServer('hung').on('tools/list', () => new Promise(() => {}))
    const broken = new FakeServer('broken')
    const local = await startDemo(
      [hung, new FakeServer('good').tools('x'), broken],
      {},
      { sessionLimits: { listMs: 50 } },
    )
    const { client } = await local.client()
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['good__x'])
    expect(local.logger.lines.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ server: 'broken', reason: 'broken has no tools/list' }),
      expect.objectContaining({ server: 'hung', reason: expect.stringContaining('did not answer within') }),
    ])
  })

  it('is named with the reason to who calls it, and is back when it is ready', async () => {
    const server = new FakeServer('a').tools('x')
    const local = await startDemo([server, new FakeServer('b').tools('y')])
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
    const local = await startDemo([a, b])
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
    const local = await startDemo([server], {}, { sessionLimits: { callMs: 30 } })
    const { client } = await local.client()
    await expect(client.callTool({ name: 'a__x' })).rejects.toMatchObject({ code: -32001 })
    expect(server.methods()).toContain('notifications/cancelled')
  })
})
