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
