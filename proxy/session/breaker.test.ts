import { describe, expect, it, vi } from 'vitest'
import { FakeServer, RpcProblem } from '../testing/fake-server.ts'
import { keptLogger } from '../testing/kept-logger.ts'
import { startSession } from '../testing/session.ts'
import { Breakers } from './breaker.ts'
import { ProjectStates } from './project-states.ts'

const start = () => {
  const logger = keptLogger()
  const breaker = new Breakers('demo', logger, { failures: 3, firstPauseMs: 100, lastPauseMs: 300 }).of('a')
  const fail = (times: number, at = 0) => {
    for (let i = 0; i < times; i++) breaker.failed(at, at)
  }
  return { breaker, fail, logger }
}

describe('the breaker of a server', () => {
  it('lets everything through until some requests in a row have failed', () => {
    const { breaker, fail } = start()
    fail(2)
    breaker.answered(1)
    fail(2, 2)
    expect(breaker.admit(3)).toBeUndefined()
    fail(1, 4)
    expect(breaker.admit(5)).toBe(99)
  })

  it('lets one through each pause, and pauses grow up to the longest', () => {
    const { breaker, fail } = start()
    fail(3)
    expect([99, 100, 101].map((now) => breaker.admit(now))).toEqual([1, undefined, 199])
    expect([300, 301].map((now) => breaker.admit(now))).toEqual([undefined, 299])
    expect([600, 601].map((now) => breaker.admit(now))).toEqual([undefined, 299])
  })

  it('is closed by any answer, and begins anew', () => {
    const { breaker, fail, logger } = start()
    fail(3)
    breaker.answered(50)
    expect(breaker.admit(51)).toBeUndefined()
    fail(2, 60)
    expect(breaker.admit(61)).toBeUndefined()
    fail(1, 70)
    expect(breaker.admit(71)).toBe(99)
    expect(logger.lines.map(({ level }) => level)).toEqual(['warn', 'info', 'warn'])
  })

  it('does not count a request that a busy server has not answered, but others meanwhile', () => {
    const { breaker } = start()
    breaker.answered(10)
    for (let i = 0; i < 5; i++) breaker.failed(20, 5)
    expect(breaker.admit(21)).toBeUndefined()
  })
})

describe('a server that never answers', () => {
  const project = () => {
    const hung = new FakeServer('hung').tools('x', 'y').on('tools/call', () => new Promise(() => {}))
    return { hung, servers: [hung, new FakeServer('well').tools('x')] }
  }

  it('has its calls refused at once after three, for all sessions of the project; others go on', async () => {
    const { hung, servers } = project()
    const projects = new ProjectStates()
    const first = await startSession({ servers }, { callMs: 10 }, projects)
    const second = await startSession({ servers }, { callMs: 60_000 }, projects)
    await Promise.all([first.names(), second.names()])
    const timedOut = await Promise.all([1, 2, 3].map(() => first.call('hung__x')))
    expect(timedOut.map((answer) => answer?.error?.data)).toEqual(
      Array(3).fill({ code: 'call-timed-out', server: 'hung' }),
    )
    const sent = hung.methods().length
    for (const session of [first, second]) {
      const { error } = (await session.call('hung__y')) ?? {}
      expect(error).toMatchObject({ code: -32000, data: { code: 'circuit-open', server: 'hung' } })
      expect(error?.message).toMatch(
        /^Server hung did not answer the last requests; it is not asked for the next \d s$/,
      )
      expect(await session.calledAs('well__x')).toBe('well/x')
    }
    expect(hung.methods()).toHaveLength(sent)
  })

  it('is forgiven when it is started again', async () => {
    const { hung, servers } = project()
    const { call, calledAs, mcpd, names } = await startSession({ servers }, { callMs: 10 })
    await names()
    await Promise.all([1, 2, 3].map(() => call('hung__x')))
    hung.tools('x')
    for (const state of ['unavailable', 'ready'] as const) {
      hung.state = state
      mcpd.update('demo')
    }
    await names()
    expect(await calledAs('hung__x')).toBe('hung/x')
  })
})

it('errors of a server and of its tools are answers: it lives', async () => {
  const server = new FakeServer('a').tools('x')
  let n = 0
  server.on('tools/call', () => {
    if (++n % 2 === 0) throw new RpcProblem(-32000, 'busy')
    return { isError: true, content: [] }
  })
  const { call } = await startSession({ servers: [server] })
  for (let i = 0; i < 20; i++) await call('a__x')
  expect(n).toBe(20)
})

it.each([
  ['server-ended', 3],
  ['too-many-sessions', 8],
  ['credentials-refused', 8],
])('of what mcpd says of a server, %s lets %i of 8 calls through', async (code, through) => {
  const server = new FakeServer('a').tools('x')
  const { call, names, mcpd } = await startSession({ servers: [server] })
  await names()
  let n = 0
  server.on('tools/call', ({ id }) => {
    n++
    const error = { code: -32000, message: code, data: { code } }
    mcpd.inject({ type: 'message', server: 'a', message: { jsonrpc: '2.0', id, error } })
    return new Promise(() => {})
  })
  for (let i = 0; i < 8; i++) await call('a__x')
  expect(n).toBe(through)
})

it('calls that are lost together are one failure: the next ones may go to another copy', async () => {
  const server = new FakeServer('a').tools('x')
  const { calledAs, call, names, mcpd } = await startSession({ servers: [server] })
  await names()
  const ids: (string | number)[] = []
  server.on('tools/call', ({ id }) => {
    ids.push(id)
    return new Promise(() => {})
  })
  const calls = [1, 2, 3, 4].map(() => call('a__x'))
  await vi.waitFor(() => expect(ids).toHaveLength(4))
  const error = { code: -32000, message: 'it ended', data: { code: 'server-ended' } }
  for (const id of ids) mcpd.inject({ type: 'message', server: 'a', message: { jsonrpc: '2.0', id, error } })
  for (const answer of await Promise.all(calls)) expect(answer?.error).toEqual(error)
  server.tools('x')
  expect(await calledAs('a__x')).toBe('a/x')
})
