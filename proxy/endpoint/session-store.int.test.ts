import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { BEARER, FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { initializeRequest, openSession, post, startLocal } from '../testing/local.ts'
import type { EndpointLimits } from './limits.ts'

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

describe('when all sessions are taken', () => {
  const full = async (limits: Partial<EndpointLimits>, server = new FakeServer('a')) => {
    const small = await startLocal(new FakeMcpd().project('demo', { servers: [server] }), {
      limits: { sessions: 2, ...limits },
    })
    onTestFinished(() => small.close())
    const url = small.endpoint('demo')
    const [first, second] = [await openSession(url), await openSession(url)]
    const more = async () => (await post(url, initializeRequest)).status
    const uses = async (session: Record<string, string>) => (await post(url, ping, session)).status
    return { small, url, first, second, more, uses }
  }

  it('the one that is idle longest makes room, for its client may have left', async () => {
    const { small, first, second, more, uses } = await full({ yieldMs: 0 })
    expect(await uses(first)).toBe(200)
    expect(await more()).toBe(200)
    expect([await uses(first), await uses(second), small.local.sessions()]).toEqual([200, 404, 2])
    await vi.waitFor(() => expect(small.mcpd.links).toBe(2))
  })

  it('none does for a client that mcpd does not let in', async () => {
    const { small, url, first, second, uses } = await full({ yieldMs: 0 })
    expect((await post(url, initializeRequest, { Authorization: 'Bearer wrong' })).status).toBe(401)
    expect([await uses(first), await uses(second), small.local.sessions()]).toEqual([200, 200, 2])
  })

  it('however many come at once, there are never more sessions than there may be', async () => {
    const { small, more } = await full({ yieldMs: 0 })
    const outcomes = await Promise.all([more(), more(), more(), more(), more(), more()])
    expect(outcomes).toContain(200)
    expect(outcomes.filter((status) => status !== 200 && status !== 503)).toEqual([])
    expect(small.local.sessions()).toBe(2)
  })

  it('one that was used a moment ago does not', async () => {
    const { first, second, more, uses } = await full({})
    expect(await more()).toBe(503)
    expect([await uses(first), await uses(second)]).toEqual([200, 200])
  })

  it('one with an open stream does not, nor one that waits for an answer', async () => {
    let answer = (): void => {}
    const slow = new FakeServer('a')
      .tools('x')
      .on('tools/call', () => new Promise((resolve) => (answer = () => resolve({ content: [] }))))
    const { url, first, second, more, uses } = await full({ yieldMs: 0 }, slow)
    const stop = new AbortController()
    await fetch(url, {
      headers: { Authorization: `Bearer ${BEARER}`, Accept: 'text/event-stream', ...first },
      signal: stop.signal,
    })
    const call = post(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } }, second)
    await vi.waitFor(() => expect(slow.methods()).toContain('tools/call'))
    expect(await more()).toBe(503)
    answer()
    expect(await (await call).json()).toMatchObject({ result: { content: [] } })
    expect(await more()).toBe(200)
    expect([await uses(first), await uses(second)]).toEqual([200, 404])
    stop.abort()
  })
})

describe('one caller', () => {
  const OTHER = { Authorization: 'Bearer other' }
  const crowded = async (limits: Partial<EndpointLimits>) => {
    const mcpd = new FakeMcpd().project('demo', { servers: [] })
    mcpd.bearers.add('other')
    const small = await startLocal(mcpd, { limits: { sessions: 20, sessionsOfCaller: 10, ...limits } })
    onTestFinished(() => small.close())
    const url = small.endpoint('demo')
    const open = async (headers = {}) => {
      const response = await post(url, initializeRequest, headers)
      await response.text()
      return { status: response.status, id: response.headers.get('mcp-session-id') ?? '' }
    }
    return { small, mcpd, url, open }
  }

  it('that opens 10,000 sessions gets those that one may have; others get in and are served', async () => {
    const { small, mcpd, url, open } = await crowded({})
    const statuses = new Map<number, number>()
    for (let wave = 0; wave < 100; wave++)
      for (const { status } of await Promise.all(Array.from({ length: 100 }, () => open())))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
    expect([...statuses]).toEqual(
      expect.arrayContaining([
        [200, 10],
        [503, 9_990],
      ]),
    )
    expect([small.local.sessions(), mcpd.links]).toEqual([10, 10])
    const refused = await post(url, initializeRequest)
    expect([refused.headers.get('retry-after'), await refused.json()]).toMatchObject([
      '5',
      { id: 'init', error: { data: { code: 'too-many-sessions' } } },
    ])
    const other = await open(OTHER)
    expect(other.status).toBe(200)
    expect((await post(url, ping, { ...OTHER, 'Mcp-Session-Id': other.id })).status).toBe(200)
  })

  it('makes room by sessions of its own, not by those of others', async () => {
    const { url, open } = await crowded({ sessionsOfCaller: 2, yieldMs: 0 })
    const others = await open(OTHER)
    const [first, second] = [await open(), await open()]
    expect((await open()).status).toBe(200)
    const uses = async (id: string, headers = {}) =>
      (await post(url, ping, { ...headers, 'Mcp-Session-Id': id })).status
    expect([await uses(others.id, OTHER), await uses(first.id), await uses(second.id)]).toEqual([200, 404, 200])
  })

  it('gives its places back when mcpd does not let it in', async () => {
    const { open, mcpd } = await crowded({ sessionsOfCaller: 1 })
    mcpd.bearers.delete('other')
    for (let n = 0; n < 5; n++) expect((await open(OTHER)).status).toBe(401)
    mcpd.bearers.add('other')
    expect((await open(OTHER)).status).toBe(200)
    expect((await open(OTHER)).status).toBe(503)
  })
})
