import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'

describe('a project that changes', () => {
  it('tells the client once, and has the new server’s tools', async () => {
    const a = new FakeServer('a').tools('x')
    const { mcpd, told, names } = await startSession({ servers: [a] })
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
    const { mcpd, told, names } = await startSession({ servers: [a, b] }, { listChangedMs: 50 })
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
    const { mcpd, told, call } = await startSession({ servers: [a, b] })
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
    const { mcpd, call } = await startSession({ servers: [a] })
    const answer = call('a__x')
    await vi.waitFor(() => expect(a.methods()).toContain('tools/call'))
    mcpd.project('demo', { servers: [] })
    expect((await answer)?.error?.message).toContain('Server a is unavailable')
  })
})
