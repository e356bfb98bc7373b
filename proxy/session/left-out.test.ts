import { describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { FakeServer, RpcProblem } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'
import { ProjectStates } from './project-states.ts'

/** A server that lists nothing until it is let. */
const hanging = (name: string) => {
  const server = new FakeServer(name, { tools: {}, logging: {} }).tools('late').on('logging/setLevel', () => ({}))
  const waiting: (() => void)[] = []
  server.on('tools/list', () => new Promise((resolve) => waiting.push(() => resolve({ tools: [{ name: 'late' }] }))))
  return { server, answer: () => waiting.splice(0).forEach((each) => void each()) }
}
const NOTE = 'mcpctl/unavailable'
const quick = { firstListMs: 20 }
const TTL = { positiveMs: 60_000, negativeMs: 5 }

describe('a server that does not list its tools', () => {
  it('is waited for once, and not for as long as it may take; a note says so', async () => {
    const { server, answer } = hanging('slow')
    const { list, told } = await startSession({ servers: [new FakeServer('a').tools('x'), server] }, quick)
    const reason = 'it has not listed its tools within 0.02 s'
    expect(await list()).toMatchObject({ tools: [{ name: 'a__x' }], _meta: { [NOTE]: [{ server: 'slow', reason }] } })
    expect(await list()).toMatchObject({ tools: [{ name: 'a__x' }], _meta: { [NOTE]: [{ server: 'slow', reason }] } })
    expect(server.methods()).toEqual(['tools/list']) // still the first one
    answer()
    await vi.waitFor(() => expect(told.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']))
    const listed = await list()
    expect(listed).toMatchObject({ tools: [{ name: 'a__x' }, { name: 'slow__late' }] })
    expect(listed).not.toHaveProperty('_meta')
  })

  it('is asked again by itself, and the client hears when it answers', async () => {
    let isWell = false
    const server = new FakeServer('sick').tools('x').on('tools/list', () => {
      if (!isWell) throw new RpcProblem(-32603, 'not yet')
      return { tools: [{ name: 'x' }] }
    })
    const { list, told, names } = await startSession({ servers: [server] }, {}, new ProjectStates(TTL))
    expect(await list()).toEqual({ tools: [], _meta: { [NOTE]: [{ server: 'sick', reason: 'not yet' }] } })
    await vi.waitFor(() => expect(server.methods().length).toBeGreaterThan(1))
    isWell = true
    await vi.waitFor(() => expect(told.map(({ method }) => method)).toEqual(['notifications/tools/list_changed']))
    expect(await names()).toEqual(['sick__x'])
  })

  it('is waited for where it is the only one: the list would be empty without it', async () => {
    const { server, answer } = hanging('slow')
    const { names } = await startSession({ servers: [server] }, { firstListMs: 0 })
    const listed = names()
    await vi.waitFor(() => expect(server.methods()).toEqual(['tools/list']))
    await new Promise((resolve) => setTimeout(resolve)) // what was waited for no longer would have been left out by now
    answer()
    expect(await listed).toEqual(['slow__late'])
  })

  it('does not keep calls of others waiting', async () => {
    const { server } = hanging('slow')
    const { calledAs } = await startSession(
      { servers: [server, new FakeServer('a').tools('x')] },
      { firstListMs: 60_000 },
    )
    expect(await calledAs('a__x')).toBe('a/x')
    expect(server.methods()).toEqual([])
  })

  it('is told to a client that wants log messages, once', async () => {
    const { server } = hanging('slow')
    const { list, ask, told } = await startSession({ servers: [server, new FakeServer('a').tools('x')] }, quick)
    await ask('logging/setLevel', { level: 'warning' })
    await list()
    await list()
    const data = { message: 'Server slow is unavailable', server: 'slow', reason: expect.stringContaining('tools') }
    expect(told).toEqual([
      { jsonrpc: '2.0', method: 'notifications/message', params: { level: 'warning', logger: 'mcpctl', data } },
    ])
  })
})

describe('a server that does not run', () => {
  it('stands in the note with its reason, and not any more when it runs', async () => {
    const b = new FakeServer('b').tools('y')
    Object.assign(b, { state: 'unavailable', reason: 'it exited with code 1' })
    const { list, mcpd, told } = await startSession({ servers: [new FakeServer('a').tools('x'), b] })
    expect(await list()).toMatchObject({ _meta: { [NOTE]: [{ server: 'b', reason: 'it exited with code 1' }] } })
    b.state = 'ready'
    mcpd.update('demo')
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect(await list()).not.toHaveProperty('_meta')
  })

  it('keeps the note of an only server’s own list', async () => {
    const a = new FakeServer('a').on('tools/list', () => ({ tools: [], _meta: { own: 1 } }))
    const { list } = await startSession({ servers: [a], namespacing: 'never' })
    expect(await list()).toEqual({ tools: [], _meta: { own: 1 } })
  })
})

describe('a server with which each client has a session of its own', () => {
  it('lists for each what it lists for that one', async () => {
    let asked = 0
    const server = new FakeServer('own').on('tools/list', () => ({ tools: [{ name: `for-${++asked}` }] }))
    server.sessions = 'dedicated'
    const shared = new FakeServer('all').tools('x')
    const projects = new ProjectStates()
    const [first, second] = [
      await startSession({ servers: [server, shared] }, {}, projects),
      await startSession({ servers: [server, shared] }, {}, projects),
    ]
    expect(await first.names()).toEqual(['own__for-1', 'all__x'])
    expect(await second.names()).toEqual(['own__for-2', 'all__x'])
    expect(await first.names()).toEqual(['own__for-1', 'all__x'])
    expect(shared.methods()).toEqual(['tools/list'])
  })
})

it.each([
  [
    'nested deeper than anything can be written',
    (): JsonObject => JSON.parse(`${'{"a":'.repeat(20_000)}{}${'}'.repeat(20_000)}`),
  ],
  ['larger than any list', (): JsonObject => ({ description: 'x'.repeat(17 * 1024 * 1024) })],
])('a server with a tool that is %s is left out alone', async (_, made) => {
  const odd = new FakeServer('odd').on('tools/list', () => ({ tools: [{ name: 'x', inputSchema: made() }] }))
  const { list } = await startSession({ servers: [odd, new FakeServer('a').tools('x')] })
  const listed = await list()
  expect(listed).toMatchObject({ tools: [{ name: 'a__x' }], _meta: { [NOTE]: [{ server: 'odd' }] } })
  expect(JSON.stringify(listed).length).toBeLessThan(1_000)
})
