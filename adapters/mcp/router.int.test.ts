import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ToolRules } from '../../domain/mcp/link.ts'
import { SharedUpstream } from './shared-upstream.ts'
import { createTestMcpd, projectWith, scripted, type TestMcpd } from './testing/mcpd.ts'
import { answered, type TestSession } from './testing/test-session.ts'

const FINALLY = { timeout: 5000, interval: 5 }

describe('the router', () => {
  let mcpd: TestMcpd

  beforeEach(async () => {
    mcpd = createTestMcpd(projectWith('scripted'))
    await mcpd.start(scripted('i1'))
  })
  afterEach(() => mcpd.close())

  const state = (session: TestSession) => session.projects.at(-1)?.servers[0]?.state
  const ready = (session: TestSession) => vi.waitFor(() => expect(state(session)).toBe('ready'), FINALLY)

  it('sends the project first, with what each server answered to initialize', async () => {
    mcpd.topology.set({
      name: 'demo',
      instructions: 'be kind',
      namespacing: 'auto',
      servers: [{ name: 'other', reason: 'Error: no such package', tools: { deny: ['rm_*'] } }, { name: 'scripted' }],
    })
    const session = mcpd.connect()
    await vi.waitFor(() => expect(session.projects).toHaveLength(1), FINALLY)
    expect(session.projects).toEqual([
      {
        name: 'demo',
        instructions: 'be kind',
        namespacing: 'auto',
        servers: [
          { name: 'other', state: 'unavailable', reason: 'Error: no such package', tools: { deny: ['rm_*'] } },
          { name: 'scripted', state: 'ready', initialize: mcpd.host.connection('i1')?.initialize },
        ],
      },
    ])
  })

  it('does not repeat a project that did not change', async () => {
    const session = mcpd.connect()
    mcpd.topology.set(projectWith('scripted'))
    await session.call(1, 'echo')
    expect(session.projects).toHaveLength(1)
  })

  it('answers at once, with the reason, for a server that does not run', async () => {
    await mcpd.host.stop('i1')
    mcpd.topology.set(projectWith('scripted', 'Error: exited with code 3'))
    const session = mcpd.connect()
    expect((await session.call(1, 'echo')).error).toEqual({
      code: -32000,
      message: 'Server scripted is unavailable: Error: exited with code 3',
      data: {
        code: 'server-unavailable',
        server: 'scripted',
        reason: 'Error: exited with code 3',
        hint: 'The call did not run.',
      },
    })
    expect(mcpd.calls).toMatchObject([{ server: 'scripted', tool: 'echo', outcome: 'refused', errorCode: -32000 }])
  })

  it('calls a server that runs, also while the topology still says why it does not', async () => {
    mcpd.topology.set(projectWith('scripted', 'it is starting'))
    const session = mcpd.connect()
    expect(answered(await session.call(1, 'echo', { message: 'hi' }))).toBe('hi')
  })

  it('answers for a server that the project does not have', async () => {
    const { error } = await mcpd.connect().ask(1, 'tools/list', {}, 'foreign')
    expect(error).toMatchObject({ code: -32602, data: { code: 'server-not-attached' } })
  })

  it('tells when a server becomes ready, also before the topology says so', async () => {
    const session = mcpd.connect()
    await mcpd.host.stop('i1')
    await vi.waitFor(() => expect(state(session)).toBe('unavailable'), FINALLY)
    await mcpd.start(scripted('i2'))
    await ready(session)
    expect(answered(await session.call(1, 'echo', { message: 'hi' }))).toBe('hi')
  })

  it('spreads sessions over instances and keeps each on its own', async () => {
    await mcpd.start(scripted('i2'))
    const sessions = [mcpd.connect(), mcpd.connect(), mcpd.connect(), mcpd.connect()]
    for (const [i, session] of sessions.entries()) for (const n of [1, 2]) await session.call(`${i}.${n}`, 'echo')
    const used = mcpd.calls.map(({ instance }) => instance)
    expect(used).toEqual(['i1', 'i1', 'i2', 'i2', 'i1', 'i1', 'i2', 'i2'])
  })

  it('keeps the session over a restart: calls under way fail, the lists are read again, later calls work', async () => {
    const session = mcpd.connect()
    await session.ask('sub', 'resources/subscribe', { uri: 'r:1' })
    expect((await session.call(1, 'die')).error?.data).toMatchObject({ code: 'server-ended' })
    await vi.waitFor(() => expect(state(session)).toBe('unavailable'), FINALLY)
    expect(session.projects.at(-1)?.servers[0]?.reason).toBe('it exited with code 7')
    await mcpd.start(scripted('i1'))
    await ready(session)
    await vi.waitFor(
      () =>
        expect(session.messages.filter(({ method }) => method !== undefined).map(({ method }) => method)).toEqual([
          'notifications/tools/list_changed',
          'notifications/resources/list_changed',
        ]),
      FINALLY,
    )
    expect(JSON.parse(answered(await session.call(2, 'subscribed')))).toEqual(['r:1'])
    expect(session.closed).toBeUndefined()
  })

  it('moves to another instance when its own ends', async () => {
    await mcpd.start(scripted('i2'))
    const session = mcpd.connect()
    await session.call(1, 'die')
    expect(answered(await session.call(2, 'echo', { message: 'from the other' }))).toBe('from the other')
    expect(mcpd.calls.map(({ instance, outcome }) => [instance, outcome])).toEqual([
      ['i1', 'lost'],
      ['i2', 'ok'],
    ])
    expect(session.projects.map(({ servers }) => servers[0]?.state)).not.toContain('unavailable')
  })

  it('lets calls end on an instance that is being stopped, and sends new ones to the next', async () => {
    const session = mcpd.connect()
    const slow = session.ask('slow', 'tools/call', { name: 'never' })
    await mcpd.start(scripted('i2'))
    const stopped = mcpd.host.stop('i1')
    expect(answered(await session.call(2, 'echo', { message: 'new one' }))).toBe('new one')
    expect(session.messages.some(({ id }) => id === 'slow')).toBe(false)
    await stopped
    expect((await slow).error?.data).toMatchObject({ code: 'server-ended', reason: 'it was stopped' })
  })

  it('loses no call while an instance is replaced by another, however late the topology is', async () => {
    mcpd.topology.set(projectWith('scripted', 'it is starting'))
    const session = mcpd.connect()
    let answers = 0
    let replaced = false
    const client = (async () => {
      for (let n = 0; !replaced; n++) {
        const { error } = await session.call(n, 'echo')
        if (error !== undefined) return error
        answers++
      }
      return undefined
    })()
    const moreCalls = async (calls: number) => {
      const due = answers + calls
      await vi.waitFor(() => expect(answers).toBeGreaterThan(due), FINALLY)
    }
    for (const [next, last] of [
      ['i2', 'i1'],
      ['i3', 'i2'],
      ['i4', 'i3'],
    ] as const) {
      await moreCalls(3)
      await mcpd.start(scripted(next))
      await moreCalls(3)
      await mcpd.host.stop(last)
    }
    await moreCalls(3)
    replaced = true
    expect(await client).toBeUndefined()
    expect(new Set(mcpd.calls.map(({ instance }) => instance))).toEqual(new Set(['i1', 'i2', 'i3', 'i4']))
    expect(session.projects.map(({ servers }) => servers[0]?.state)).not.toContain('unavailable')
  })

  it('moves to the instance that began last when others are as free: during a rolling change those go next', async () => {
    const session = mcpd.connect()
    await session.call(1, 'echo')
    for (const instance of ['i2', 'i3']) await mcpd.start(scripted(instance))
    await mcpd.host.stop('i1')
    await session.call(2, 'echo')
    expect(mcpd.calls.map(({ instance }) => instance)).toEqual(['i1', 'i3'])
  })

  it('has each list read again once, however many instances start and stop at once', async () => {
    const session = mcpd.connect()
    await session.call(1, 'echo')
    for (const instance of ['i2', 'i3', 'i4']) await mcpd.start(scripted(instance))
    await Promise.all(['i1', 'i4', 'i3'].map((instance) => mcpd.host.stop(instance))) // it moves three times
    await session.call(2, 'echo')
    expect(mcpd.calls.at(-1)?.instance).toBe('i2')
    expect(session.messages.flatMap(({ method }) => method ?? [])).toEqual([
      'notifications/tools/list_changed',
      'notifications/resources/list_changed',
    ])
  })

  it('fails what is under way at a server that is detached', async () => {
    const session = mcpd.connect()
    const pending = session.call(1, 'never')
    await session.call(2, 'echo')
    mcpd.topology.set({ name: 'demo', namespacing: 'always', servers: [] })
    expect((await pending).error?.data).toMatchObject({ code: 'server-detached' })
    expect(session.projects.at(-1)?.servers).toEqual([])
    expect(mcpd.host.connection('i1')?.sessions).toBe(0)
  })

  it('closes the link as gone when the project is deleted', async () => {
    const session = mcpd.connect()
    mcpd.topology.set(undefined)
    await vi.waitFor(() => expect(session.closed?.code).toBe('gone'), FINALLY)
  })

  it('closes the link as lost when mcpd stops, and lets go of everything', async () => {
    const abort = new AbortController()
    const session = mcpd.connect('scripted', abort.signal)
    await session.call(1, 'echo')
    abort.abort()
    await vi.waitFor(() => expect(session.closed).toEqual({ code: 'lost', reason: 'mcpd is stopping' }), FINALLY)
    expect([mcpd.topology.listeners, mcpd.host.connection('i1')?.sessions]).toEqual([0, 0])
  })

  it('passes no news of an instance on that is being stopped: its session has moved', async () => {
    const session = mcpd.connect()
    await session.call(1, 'echo')
    const late = { method: 'notifications/tools/list_changed', params: { late: true } }
    const progress = { method: 'notifications/progress', params: { progressToken: 2, progress: 1 } }
    await mcpd.start(scripted('i2'))
    session.send({ id: 2, method: 'tools/call', params: { name: 'never', _meta: { progressToken: 'mine' } } })
    session.send({ id: 3, method: 'tools/call', params: { name: 'say', arguments: { messages: [late, progress] } } })
    await Promise.resolve() // now both are on their way to i1
    await mcpd.host.stop('i1')
    expect(session.messages.some(({ id, result }) => id === 3 && result !== undefined)).toBe(true)
    expect(session.notifications('notifications/tools/list_changed').map(({ params }) => params?.late)).not.toContain(
      true,
    )
  })

  it('calls no tool that the rules of the project leave out, whoever speaks the protocol of the link', async () => {
    const withRules = (tools: ToolRules) =>
      mcpd.topology.set({ name: 'demo', namespacing: 'always', servers: [{ name: 'scripted', tools }] })
    withRules({ deny: ['e*'] })
    const session = mcpd.connect()
    expect((await session.call(1, 'echo')).error).toEqual({
      code: -32602,
      message: 'Unknown tool: echo',
      data: { code: 'unknown-tool' },
    })
    expect((await session.ask(2, 'tools/call', { name: ['echo'] })).error?.code).toBe(-32602)
    session.send({ method: 'tools/call', params: { name: 'echo' } }) // not even as a notification
    expect((await session.ask(3, 'tools/list')).error).toBeUndefined()
    withRules({ allow: ['echo'] })
    expect(answered(await session.call(4, 'echo', { message: 'now' }))).toBe('now')
    expect((await session.call(5, 'fail')).error?.code).toBe(-32602)
    expect(mcpd.calls.map(({ method, tool, outcome }) => [method, tool, outcome])).toEqual([
      ['tools/call', 'echo', 'refused'],
      ['tools/call', undefined, 'refused'],
      ['tools/list', undefined, 'ok'],
      ['tools/call', 'echo', 'ok'],
      ['tools/call', 'fail', 'refused'],
    ])
  })

  it('records calls of servers that are not attached without the names that clients make up', async () => {
    const session = mcpd.connect()
    expect((await session.ask(1, 'tools/call', { name: 'x' }, 'made-up')).error?.code).toBe(-32602)
    await vi.waitFor(
      () => expect(mcpd.calls).toMatchObject([{ server: '(not attached)', outcome: 'refused' }]),
      FINALLY,
    )
  })

  it('closes a link whose client pretends to be mcpd', async () => {
    const session = mcpd.connect()
    session.link.send({ type: 'project', project: { name: 'demo', namespacing: 'always', servers: [] } })
    await vi.waitFor(() => expect(session.closed?.code).toBe('closed'), FINALLY)
  })

  it('records every call once, without arguments and results', async () => {
    const session = mcpd.connect()
    await session.call(1, 'echo', { message: 'tell-tale' })
    await session.call(2, 'fail')
    await session.ask(3, 'tools/list')
    const principal = 'User:ada'
    expect(mcpd.calls).toMatchObject([
      {
        project: 'demo',
        server: 'scripted',
        instance: 'i1',
        principal,
        method: 'tools/call',
        tool: 'echo',
        outcome: 'ok',
      },
      { tool: 'fail', outcome: 'error', errorCode: -32050 },
      { method: 'tools/list', outcome: 'ok' },
    ])
    for (const call of mcpd.calls) {
      expect(call.durationMs).toBeGreaterThan(0)
      expect(Math.min(call.requestBytes, call.responseBytes)).toBeGreaterThan(20)
    }
    expect(JSON.stringify(mcpd.calls)).not.toContain('tell-tale')
  })

  it('holds nothing of 1000 sessions that came and went', async () => {
    const upstream = mcpd.host.connection('i1')
    if (!(upstream instanceof SharedUpstream)) throw new Error('no connection')
    for (let i = 0; i < 1000; i++) {
      const session = mcpd.connect()
      session.send({ id: 1, method: 'resources/subscribe', params: { uri: `r:${i}` } })
      session.send({ id: 2, method: 'logging/setLevel', params: { level: 'error' } })
      session.send({ id: 3, method: 'tools/call', params: { name: 'never', _meta: { progressToken: 1 } } })
      if (i % 2 === 0) await Promise.resolve()
      session.link.close()
    }
    await vi.waitFor(() => expect(upstream.sessions).toBe(0), FINALLY)
    expect(mcpd.topology.listeners).toBe(0)
    await vi.waitFor(() => expect(upstream.held).toEqual({ calls: 0, subscriptions: 0, tokens: 0 }), FINALLY)
    const last = mcpd.connect()
    await vi.waitFor(async () => expect(JSON.parse(answered(await last.call('x', 'subscribed')))).toEqual([]), FINALLY)
  })
})
