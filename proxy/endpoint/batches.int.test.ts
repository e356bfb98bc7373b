import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { openSession, post, startDemo } from '../testing/local.ts'
import { readResponse } from '../testing/raw-stream.ts'

const start = async (version = '2025-03-26') => {
  const server = new FakeServer('a', { tools: {}, logging: {} }).tools('x')
  const local = await startDemo([server], {}, { limits: { drainMs: 20 } })
  const url = local.endpoint('demo')
  const session = await openSession(url, version)
  const send = (body: unknown, headers: Record<string, string> = {}) => post(url, body, { ...session, ...headers })
  return { server, send, session, local }
}

const ping = (id: number | string) => ({ jsonrpc: '2.0', id, method: 'ping' })
const pong = (id: number | string) => ({ jsonrpc: '2.0', id, result: {} })
const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'a__x' } })
const notification = { jsonrpc: '2.0', method: 'notifications/initialized' }

describe('a batch of a client of 2025-03-26', () => {
  it('is answered with an array', async () => {
    const { send } = await start()
    const response = await send([ping(1), notification, ping('two')])
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual([pong(1), pong('two')])
    expect(await (await send([ping(1)])).json()).toEqual([pong(1)])
  })

  it('of what wants no answer is accepted without one', async () => {
    const { send } = await start()
    const response = await send([notification, notification, { jsonrpc: '2.0', id: 77, result: {} }])
    expect([response.status, await response.text()]).toEqual([202, ''])
  })

  it('is answered on a stream when a server says something meanwhile', async () => {
    const { send, server } = await start()
    server.on('tools/call', ({ notify }) => {
      notify('notifications/message', { level: 'info', data: 'working' })
      return { content: [] }
    })
    const stream = readResponse(await send([ping(1), call(2)]))
    await vi.waitFor(() => expect(stream.isOpen()).toBe(false))
    expect(stream.messages()).toEqual([
      pong(1),
      { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'working' } },
      { jsonrpc: '2.0', id: 2, result: { content: [] } },
    ])
  })

  it('is answered on a stream for a client that takes nothing else', async () => {
    const { send } = await start()
    const stream = readResponse(await send([ping(1), ping(2)], { Accept: 'text/event-stream' }))
    await vi.waitFor(() => expect(stream.messages()).toEqual([pong(1), pong(2)]))
  })

  it('has an error for each message that is none, and answers for the others', async () => {
    const { send } = await start()
    const answers = await (await send([1, ping(1), { jsonrpc: '2.0', id: 2 }, ping(3), call(3)])).json()
    expect(answers).toMatchObject([
      { id: null, error: { code: -32600 } },
      { id: 2, error: { code: -32600 } },
      pong(1),
      pong(3),
      { id: 3, result: {} },
    ])
    const none = await send([1, notification])
    expect([none.status, await none.json()]).toMatchObject([400, [{ id: null, error: { code: -32600 } }]])
  })

  it('does not run a request twice under one id, nor begin a session', async () => {
    const { send, server } = await start()
    const hung = vi.fn(() => new Promise<never>(() => {}))
    server.on('tools/call', hung)
    await (await send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })).json() // so that it is known whose the tool is
    const initialize = { jsonrpc: '2.0', id: 8, method: 'initialize', params: { protocolVersion: '2025-03-26' } }
    const both = send([
      call(7),
      call(7),
      initialize,
      { ...notification, method: 'notifications/cancelled', params: { requestId: 7 } },
    ])
    expect(await (await both).json()).toMatchObject([
      { id: 7, error: { code: -32600 } },
      { id: 8, error: { code: -32600 } },
    ])
    await vi.waitFor(() => expect(server.methods()).toContain('notifications/cancelled'))
    expect(hung).toHaveBeenCalledTimes(1)
  })

  it('is bounded, and not empty', async () => {
    const { send } = await start()
    const many = Array.from({ length: 101 }, (_, id) => ping(id))
    const refused = await send(many)
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      {
        id: null,
        error: { code: -32600, message: 'Invalid request: a batch has at most 100 messages, this one has 101' },
      },
    ])
    expect(await (await send(many.slice(1))).json()).toHaveLength(100)
    expect((await send([])).status).toBe(400)
  })
})

describe('a batch of any other client', () => {
  it.each(['2025-11-25', '2025-06-18', '2024-11-05'])('is refused: %s', async (version) => {
    const { send, local, session } = await start(version)
    const refused = await send([ping(1)])
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { id: null, error: { code: -32600, message: expect.stringContaining(`this session speaks ${version}`) } },
    ])
    const nobody = await post(local.endpoint('demo'), [ping(1)], { ...session, 'Mcp-Session-Id': 'x' })
    expect(nobody.status).toBe(404)
  })
})
