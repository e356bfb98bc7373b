import { describe, expect, it, vi } from 'vitest'
import { FakeServer, RpcProblem } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'

describe('before an only server', () => {
  it('a call arrives as it was sent, but for its id; the answer likewise, order and unknown fields included', async () => {
    const result = {
      zeta: 1,
      content: [],
      structuredContent: { b: 1, a: [null, 1.5] },
      _meta: { 'x/y': { z: 0 } },
      alpha: 2,
    }
    const server = new FakeServer('a').tools('x').on('tools/call', () => result)
    const { call } = await startSession({ servers: [server], namespacing: 'never' })
    const params = { task: { ttl: 5 }, arguments: { z: 1, a: { '10': 1 } }, _meta: { 'k/v': [1] }, unknown: 'kept' }
    const answer = await call('x', params)
    expect(JSON.stringify(answer?.result)).toBe(JSON.stringify(result))
    const got = server.got.find(({ method }) => method === 'tools/call')
    expect(JSON.stringify(got?.params)).toBe(JSON.stringify({ name: 'x', ...params }))
  })

  it('errors of the server arrive as they are', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => {
      throw new RpcProblem(-32042, 'elicitation needed')
    })
    const { call } = await startSession({ servers: [server], namespacing: 'never' })
    expect(await call('x')).toEqual({
      jsonrpc: '2.0',
      id: 'c2',
      error: { code: -32042, message: 'elicitation needed' },
    })
  })

  it('a task goes on to show progress under the client’s token after the call was answered with it', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ task: { taskId: 't' } }))
    const { call, told } = await startSession({ servers: [server], namespacing: 'never' })
    expect((await call('x', { task: {}, _meta: { progressToken: 'tok' } }))?.result).toEqual({ task: { taskId: 't' } })
    const progressToken = server.got[0]?.id ?? ''
    server.notify('notifications/progress', { progressToken, progress: 7 })
    await vi.waitFor(() => expect(told.at(-1)?.params).toEqual({ progressToken: 'tok', progress: 7 }))
  })

  it('methods and notifications that nobody has heard of go there', async () => {
    const server = new FakeServer('a').on('made/up', ({ params }) => ({ got: params }))
    const { session, ask } = await startSession({ servers: [server] })
    expect((await ask('made/up', { x: 1 }, { extra: true }))?.result).toEqual({ got: { x: 1 } })
    expect(server.got[0]).toMatchObject({ extra: true })
    session.receive({ jsonrpc: '2.0', method: 'notifications/made/up', params: { y: 2 } })
    await vi.waitFor(() =>
      expect(server.got[1]).toEqual({ jsonrpc: '2.0', method: 'notifications/made/up', params: { y: 2 } }),
    )
  })

  it('with never, nothing stands in between: any name goes through, without a list', async () => {
    const server = new FakeServer('a')
      .tools('get.user')
      .on('tools/call', ({ params }) => ({ called: params.name ?? '' }))
    const { call, names } = await startSession({ servers: [server], namespacing: 'never' })
    expect((await call('secret/tool'))?.result).toEqual({ called: 'secret/tool' })
    expect(server.methods()).toEqual(['tools/call'])
    expect(await names()).toEqual(['get.user'])
  })
})

describe('several servers', () => {
  it('are not guessed between for a method that nobody has heard of', async () => {
    const { ask } = await startSession({ servers: [new FakeServer('a'), new FakeServer('b')] })
    expect((await ask('made/up'))?.error).toMatchObject({ code: -32601, message: 'Method not found: made/up' })
  })

  it('may use the same ids: each answer goes where it belongs', async () => {
    const asking = (name: string) =>
      new FakeServer(name).tools('x').on('tools/call', async ({ ask }) => {
        const { result } = await ask('sampling/createMessage', { from: name })
        return { got: result ?? null }
      })
    const { session, told, call } = await startSession({ servers: [asking('a'), asking('b')] })
    const calls = [call('a__x'), call('b__x')]
    await vi.waitFor(() => expect(told.filter(({ method }) => method === 'sampling/createMessage')).toHaveLength(2))
    for (const { id, params } of told.slice().reverse())
      if (id !== undefined) session.receive({ jsonrpc: '2.0', id, result: { for: params?.from ?? '' } })
    expect((await Promise.all(calls)).map((answer) => answer?.result)).toEqual([
      { got: { for: 'a' } },
      { got: { for: 'b' } },
    ])
  })
})

describe('a log level that MCP does not know', () => {
  it.each(['verbose', 'ERROR', '', 3, undefined])('%j is refused here, and no server hears of it', async (level) => {
    const logs = (name: string) => new FakeServer(name, { logging: {} }).on('logging/setLevel', () => ({}))
    for (const servers of [[logs('a')], [logs('a'), logs('b')]]) {
      const { ask } = await startSession({ servers })
      const answer = await ask('logging/setLevel', level === undefined ? {} : { level })
      expect(answer?.error).toMatchObject({ code: -32602, data: { code: 'invalid-params', path: 'level' } })
      expect(servers.flatMap((server) => server.methods())).toEqual([])
    }
  })
})

describe('a session', () => {
  it('ends when mcpd no longer knows the bearer, and says so', async () => {
    const { mcpd, ended, call } = await startSession({ servers: [new FakeServer('a').tools('x')] })
    mcpd.bearers.clear()
    mcpd.breakLinks()
    await vi.waitFor(() => expect(ended).toEqual(['the token is not valid']))
    expect((await call('a__x'))?.error).toMatchObject({ data: { code: 'session-ended' } })
  })

  it('takes no more requests at a time than its limit', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { call } = await startSession({ servers: [server] }, { requests: 2 })
    const first = [call('a__x'), call('a__x')]
    expect((await call('a__x'))?.error).toMatchObject({ data: { code: 'too-many-requests' } })
    expect(first).toHaveLength(2)
  })

  it('ends a call without an answer when the client cancels it, also while the name is looked up', async () => {
    let list = (): void => {}
    const server = new FakeServer('a').on(
      'tools/list',
      () => new Promise((resolve) => (list = () => resolve({ tools: [{ name: 'x' }] }))),
    )
    const { session, call } = await startSession({ servers: [server, new FakeServer('b')] })
    const answer = call('a__x')
    await vi.waitFor(() => expect(server.methods()).toEqual(['tools/list']))
    session.receive({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c2' } })
    expect(await answer).toBeUndefined()
    list()
    await vi.waitFor(() => expect(session.inFlight).toBe(0))
    expect(server.methods()).not.toContain('tools/call')
  })

  it('hears of no server that is not attached', async () => {
    const server = new FakeServer('a')
    const { told, mcpd, logger } = await startSession({ servers: [server] })
    mcpd.project('demo', { servers: [] })
    server.notify('notifications/message', { level: 'error', data: 'x' })
    await vi.waitFor(() => expect(logger.lines.some(({ message }) => message.includes('dropped'))).toBe(true))
    expect(told.map(({ method }) => method)).not.toContain('notifications/message')
  })
})

it.each(['notifications/progress', 'notifications/cancelled'])(
  '%s with a token that is none is dropped',
  async (method) => {
    const { session, ask } = await startSession({ servers: [new FakeServer('a').tools('x')] })
    const odd = { toString: 1, valueOf: 1 }
    session.receive({ jsonrpc: '2.0', method, params: { progressToken: odd, requestId: odd } })
    expect((await ask('ping'))?.result).toEqual({})
  },
)
