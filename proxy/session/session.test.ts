import { afterEach, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { BEARER, FakeMcpd, type FakeProject } from '../testing/fake-mcpd.ts'
import { FakeServer, RpcProblem } from '../testing/fake-server.ts'
import { keptLogger } from '../testing/kept-logger.ts'
import { initializeRequest } from '../testing/local.ts'
import { defaultSessionLimits, type SessionLimits } from './limits.ts'
import { ListStore } from './lists.ts'
import { Session } from './session.ts'

const open: Session[] = []
afterEach(() => {
  for (const session of open.splice(0)) session.close('the test is over')
})

const start = async (project: FakeProject, limits: Partial<SessionLimits> = {}) => {
  const mcpd = new FakeMcpd().project('demo', project)
  const told: RpcMessage[] = []
  const ended: string[] = []
  const logger = keptLogger()
  const session = new Session({
    dialer: mcpd,
    project: 'demo',
    bearer: BEARER,
    client: { send: (message) => told.push(message) > 0 },
    lists: new ListStore(),
    limits: { ...defaultSessionLimits, redialFirstMs: 1, redialLastMs: 5, listChangedMs: 5, ...limits },
    logger,
    version: '1',
    onEnded: (reason) => ended.push(reason),
  })
  open.push(session)
  await session.open()
  let lastId = 0
  /** Sends a request; resolves with its answer. What comes before it goes to `told`, too. */
  const ask = (method: string, params?: JsonObject, more: object = {}): Promise<RpcMessage | undefined> =>
    new Promise((end) => {
      const message = {
        jsonrpc: '2.0',
        id: `c${++lastId}`,
        method,
        ...(params === undefined ? {} : { params }),
        ...more,
      }
      session.receive(message as RpcMessage, { send: (early) => told.push(early) > 0, end })
    })
  const names = async (kind = 'tools') => {
    const answer = await ask(`${kind}/list`)
    const listed = (answer?.result?.[kind] ?? []) as unknown as { name: string }[]
    return listed.map(({ name }) => name)
  }
  const call = (name: string, more: JsonObject = {}) => ask('tools/call', { name, ...more })
  const calledAs = async (name: string) => {
    const answer = await call(name)
    const content = answer?.result?.content as { text: string }[] | undefined
    const { server, name: own } = JSON.parse(content?.[0]?.text ?? '{}')
    return content === undefined ? answer?.error?.message : `${server}/${own}`
  }
  await ask('initialize', initializeRequest.params)
  return { mcpd, session, told, ended, logger, ask, names, call, calledAs }
}

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
    const { call } = await start({ servers: [server], namespacing: 'never' })
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
    const { call } = await start({ servers: [server], namespacing: 'never' })
    expect(await call('x')).toEqual({
      jsonrpc: '2.0',
      id: 'c2',
      error: { code: -32042, message: 'elicitation needed' },
    })
  })

  it('a task goes on to show progress under the client’s token after the call was answered with it', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ task: { taskId: 't' } }))
    const { call, told } = await start({ servers: [server], namespacing: 'never' })
    expect((await call('x', { task: {}, _meta: { progressToken: 'tok' } }))?.result).toEqual({ task: { taskId: 't' } })
    const progressToken = server.got[0]?.id ?? ''
    server.notify('notifications/progress', { progressToken, progress: 7 })
    await vi.waitFor(() => expect(told.at(-1)?.params).toEqual({ progressToken: 'tok', progress: 7 }))
  })

  it('methods and notifications that nobody has heard of go there', async () => {
    const server = new FakeServer('a').on('made/up', ({ params }) => ({ got: params }))
    const { session, ask } = await start({ servers: [server] })
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
    const { call, names } = await start({ servers: [server], namespacing: 'never' })
    expect((await call('secret/tool'))?.result).toEqual({ called: 'secret/tool' })
    expect(server.methods()).toEqual(['tools/call'])
    expect(await names()).toEqual(['get.user'])
  })
})

describe('names', () => {
  const two = () => [new FakeServer('a').tools('read', 'list'), new FakeServer('b').tools('read', 'write')]

  it('auto: alone where they are unique, with their server where not, and with their server always', async () => {
    const { names, calledAs } = await start({ servers: two(), namespacing: 'auto' })
    expect(await names()).toEqual(['a__read', 'list', 'b__read', 'write'])
    expect(await calledAs('list')).toBe('a/list')
    expect(await calledAs('a__list')).toBe('a/list')
    expect(await calledAs('b__read')).toBe('b/read')
    expect(await calledAs('read')).toContain('Unknown tool: read')
  })

  it('never: the first server has a name that two want, and the log says so', async () => {
    const { names, calledAs, logger } = await start({ servers: two(), namespacing: 'never' })
    expect(await names()).toEqual(['read', 'list', 'write'])
    expect(await calledAs('read')).toBe('a/read')
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ hidden: [{ name: 'read', server: 'b', by: 'a' }] }),
      }),
    )
  })

  it('rules: what is denied can be neither seen nor called, what is renamed only under its new name', async () => {
    const [a, b] = two()
    if (a === undefined || b === undefined) throw new Error('two servers')
    a.rules = { deny: ['list'], rename: { read: 'look' } }
    const { names, calledAs } = await start({ servers: [a, b] })
    expect(await names()).toEqual(['a__look', 'b__read', 'b__write'])
    expect(await calledAs('a__look')).toBe('a/read')
    expect(await calledAs('a__list')).toContain('Unknown tool: a__list')
    expect(await calledAs('a__read')).toContain('Unknown tool: a__read')
    expect(a.methods().filter((method) => method === 'tools/call')).toHaveLength(1)
  })

  it('rules of an only server hold with never, too', async () => {
    const server = new FakeServer('a').tools('read', 'drop')
    server.rules = { deny: ['drop'] }
    const { names, calledAs } = await start({ servers: [server], namespacing: 'never' })
    expect(await calledAs('drop')).toContain('Unknown tool: drop')
    expect(await names()).toEqual(['read'])
  })

  it('of a server whose list fails can still be called with the server before them', async () => {
    const broken = new FakeServer('a').on('tools/call', ({ params }) => ({
      content: [{ type: 'text', text: JSON.stringify({ server: 'a', ...params }) }],
    }))
    const { calledAs } = await start({ servers: [broken, new FakeServer('b').tools('x')] })
    expect(await calledAs('a__anything')).toBe('a/anything')
  })
})

describe('several servers', () => {
  it('are not guessed between for a method that nobody has heard of', async () => {
    const { ask } = await start({ servers: [new FakeServer('a'), new FakeServer('b')] })
    expect((await ask('made/up'))?.error).toMatchObject({ code: -32601, message: 'Method not found: made/up' })
  })

  it('may use the same ids: each answer goes where it belongs', async () => {
    const asking = (name: string) =>
      new FakeServer(name).tools('x').on('tools/call', async ({ ask }) => {
        const { result } = await ask('sampling/createMessage', { from: name })
        return { got: result ?? null }
      })
    const { session, told, call } = await start({ servers: [asking('a'), asking('b')] })
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
      const { ask } = await start({ servers })
      const answer = await ask('logging/setLevel', level === undefined ? {} : { level })
      expect(answer?.error).toMatchObject({ code: -32602, data: { code: 'invalid-params', path: 'level' } })
      expect(servers.flatMap((server) => server.methods())).toEqual([])
    }
  })
})

describe('what a server asks the client', () => {
  it('has progress under the server’s own token', async () => {
    const server = new FakeServer('a')
    const { session, told } = await start({ servers: [server] })
    server.send({
      jsonrpc: '2.0',
      id: 'q',
      method: 'sampling/createMessage',
      params: { _meta: { progressToken: 'tok', k: 1 } },
    })
    await vi.waitFor(() => expect(told).toHaveLength(1))
    const token = told[0]?.id ?? ''
    expect(told[0]?.params).toEqual({ _meta: { progressToken: token, k: 1 } })
    session.receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
    await vi.waitFor(() =>
      expect(server.got).toEqual([
        { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'tok', progress: 1 } },
      ]),
    )
  })

  it('is taken back with the id that the client knows', async () => {
    const server = new FakeServer('a')
    const { told } = await start({ servers: [server] })
    server.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' })
    server.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'q', reason: 'late' } })
    await vi.waitFor(() => expect(told).toHaveLength(2))
    expect(told[1]?.params).toEqual({ requestId: told[0]?.id, reason: 'late' })
  })

  it('is taken back when the link is lost', async () => {
    const server = new FakeServer('a')
    const { told, mcpd } = await start({ servers: [server] })
    server.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' })
    await vi.waitFor(() => expect(told).toHaveLength(1))
    mcpd.breakLinks()
    await vi.waitFor(() =>
      expect(told[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: told[0]?.id } }),
    )
  })

  it('ping is answered here', async () => {
    const server = new FakeServer('a')
    const { told } = await start({ servers: [server] })
    server.send({ jsonrpc: '2.0', id: 'p', method: 'ping' })
    await vi.waitFor(() => expect(server.got).toEqual([{ jsonrpc: '2.0', id: 'p', result: {} }]))
    expect(told).toEqual([])
  })
})

describe('a project that changes', () => {
  it('tells the client once, and has the new server’s tools', async () => {
    const a = new FakeServer('a').tools('x')
    const { mcpd, told, names } = await start({ servers: [a] })
    expect(await names()).toEqual(['a__x'])
    mcpd.project('demo', { servers: [a, new FakeServer('b').tools('y')] })
    await vi.waitFor(() =>
      expect(told.map(({ method }) => method)).toEqual([
        'notifications/tools/list_changed',
        'notifications/prompts/list_changed',
        'notifications/resources/list_changed',
      ]),
    )
    expect(await names()).toEqual(['a__x', 'b__y'])
    expect(a.methods()).toEqual(['tools/list']) // it is what it was
  })

  it('tells the client of each list once, however many changes come at once', async () => {
    const a = new FakeServer('a').tools('x')
    const b = new FakeServer('b').tools('y')
    const { mcpd, told, names } = await start({ servers: [a, b] }, { listChangedMs: 50 })
    for (const state of ['unavailable', 'ready'] as const) {
      for (const server of [a, b]) {
        server.state = state
        mcpd.update('demo')
      }
    }
    for (const server of [a, b]) server.notify('notifications/tools/list_changed')
    await vi.waitFor(() => expect(told).toHaveLength(3))
    expect(await names()).toEqual(['a__x', 'b__y'])
    mcpd.project('demo', { servers: [a] })
    await vi.waitFor(() => expect(told).toHaveLength(6)) // nothing was left over from before
  })

  it('does not have lists read again when only the reason has changed why a server does not run', async () => {
    const a = new FakeServer('a').tools('x')
    const b = new FakeServer('b').tools('y')
    const { mcpd, told, call } = await start({ servers: [a, b] })
    a.state = 'unavailable'
    mcpd.update('demo')
    await vi.waitFor(() => expect(told).toHaveLength(3))
    a.reason = 'exited with code 1'
    mcpd.update('demo')
    await vi.waitFor(async () => expect((await call('a__x'))?.error?.message).toContain('exited with code 1'))
    b.notify('notifications/tools/list_changed')
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(3))
    expect(told.slice(3).map(({ method }) => method)).toEqual(['notifications/tools/list_changed'])
  })

  it('ends calls of a server that is no longer attached', async () => {
    const a = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { mcpd, call } = await start({ servers: [a] })
    const answer = call('a__x')
    await vi.waitFor(() => expect(a.methods()).toContain('tools/call'))
    mcpd.project('demo', { servers: [] })
    expect((await answer)?.error?.message).toContain('Server a is unavailable')
  })
})

describe('a session', () => {
  it('ends when mcpd no longer knows the bearer, and says so', async () => {
    const { mcpd, ended, call } = await start({ servers: [new FakeServer('a').tools('x')] })
    mcpd.bearers.clear()
    mcpd.breakLinks()
    await vi.waitFor(() => expect(ended).toEqual(['the token is not valid']))
    expect((await call('a__x'))?.error).toMatchObject({ data: { code: 'session-ended' } })
  })

  it('takes no more requests at a time than its limit', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { call } = await start({ servers: [server] }, { requests: 2 })
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
    const { session, call } = await start({ servers: [server, new FakeServer('b')] })
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
    const { told, mcpd, logger } = await start({ servers: [server] })
    mcpd.project('demo', { servers: [] })
    server.notify('notifications/message', { level: 'error', data: 'x' })
    await vi.waitFor(() => expect(logger.lines.some(({ message }) => message.includes('dropped'))).toBe(true))
    expect(told.map(({ method }) => method)).not.toContain('notifications/message')
  })
})
