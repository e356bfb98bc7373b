import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DedicatedSessions } from '../../domain/instance/runtime.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { createTestMcpd, everything, projectWith, scripted, type TestMcpd } from './testing/mcpd.ts'
import { answered, type TestSession } from './testing/test-session.ts'

const FINALLY = { timeout: 5000, interval: 5 }
const SESSIONS: DedicatedSessions = { maxSessions: 3, minIdle: 0, idleTimeoutMs: 60_000 }

let mcpd: TestMcpd
beforeEach(() => {
  mcpd = createTestMcpd(projectWith('scripted'))
})
afterEach(() => mcpd.close())

const start = (dedicated: Partial<DedicatedSessions> = {}, flags: readonly string[] = []) =>
  mcpd.start({ ...scripted('i1', flags), dedicated: { ...SESSIONS, ...dedicated } })

const client = (capabilities: JsonObject = {}, name = 'a'): TestSession => {
  const session = mcpd.connect()
  session.introduce({ capabilities, clientInfo: { name, version: '1' } })
  return session
}

interface Asked {
  readonly pid: number
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
}
const askedOf = async (session: TestSession, id: number): Promise<Asked> =>
  JSON.parse(answered(await session.call(id, 'asked'))) as Asked
/** Programs that run beside mcpd's own. */
const sessions = (): number => mcpd.runtime.children.size - 1

describe('a server with a session of its own for each client', () => {
  it('is told who each client is and what it can, by a process of its own', async () => {
    await start()
    const [one, two] = [client({ sampling: {} }, 'one'), client({ roots: { listChanged: true } }, 'two')]
    const [first, second] = [await askedOf(one, 1), await askedOf(two, 1)]
    expect(first).toMatchObject({ capabilities: { sampling: {} }, clientInfo: { name: 'one' } })
    expect(second).toMatchObject({ capabilities: { roots: { listChanged: true } }, clientInfo: { name: 'two' } })
    expect(first.pid).not.toBe(second.pid)
    expect((await askedOf(one, 2)).pid).toBe(first.pid)
  })

  it('starts no process before a client asks for something', async () => {
    await start()
    const session = client()
    await vi.waitFor(() => expect(session.projects.at(-1)?.servers).toMatchObject([{ state: 'ready' }]), FINALLY)
    expect(sessions()).toBe(0)
    await session.call(1, 'echo', { message: 'x' })
    expect(sessions()).toBe(1)
  })

  it('may ask its client, and gets the answer of that one and no other', async () => {
    await start()
    const [one, two] = [client(), client()]
    await Promise.all([one.call(1, 'echo'), two.call(1, 'echo')])
    const ask = { jsonrpc: '2.0', id: 'q', method: 'sampling/createMessage', params: { own: [1] } }
    await one.call(2, 'say', { messages: [ask] })
    expect(one.messages).toContainEqual(ask)
    expect(two.messages).not.toContainEqual(ask)
    one.send({ id: 'q', result: { role: 'assistant' } })
    await vi.waitFor(async () => {
      const seen = JSON.parse(answered(await one.call(3, 'seen'))) as readonly JsonObject[]
      expect(seen).toContainEqual({ jsonrpc: '2.0', id: 'q', result: { role: 'assistant' } })
    }, FINALLY)
  })

  it('passes ids, tokens, progress, errors and what nobody has heard of as they are', async () => {
    await start()
    const session = client()
    expect(await session.call('text', 'progress', {}, { progressToken: 'tok' })).toMatchObject({ id: 'text' })
    expect(session.notifications('notifications/progress')).toMatchObject([
      { params: { progressToken: 'tok', progress: 1, extra: 'kept' } },
      { params: { progressToken: 'tok', progress: 2 } },
    ])
    expect((await session.call(2, 'fail')).error).toEqual({ code: -32050, message: 'own error', data: { own: true } })
    const echoed = (await session.ask(3, 'acme/unheard', { deep: [{ a: 1 }] })).result?.echoed
    expect(echoed).toEqual({ jsonrpc: '2.0', id: 3, method: 'acme/unheard', params: { deep: [{ a: 1 }] } })
  })

  it('drops an answer to what was never asked, and answers each request once', async () => {
    await start()
    const session = client()
    expect(answered(await session.call(1, 'wrongId'))).toBe('right')
    await session.call(2, 'echo')
    expect(session.messages.filter(({ method }) => method === undefined).map(({ id }) => id)).toEqual([1, 2])
  })

  it('ends the process when its client leaves, with a call under way or without', async () => {
    await start()
    const [one, two] = [client(), client()]
    await one.call(1, 'echo')
    two.send({ id: 1, method: 'tools/call', params: { name: 'never' } })
    await vi.waitFor(() => expect(sessions()).toBe(2), FINALLY)
    one.link.close()
    two.link.close()
    await vi.waitFor(() => expect(sessions()).toBe(0), FINALLY)
    expect(mcpd.calls.map(({ outcome }) => outcome)).toContain('cancelled')
    expect(mcpd.host.connections('scripted')[0]?.sessions).toBe(0)
  })

  it('refuses one client more than it has sessions, says so, and has room again when one leaves', async () => {
    await start({ maxSessions: 2 })
    const [one, two, three] = [client(), client(), client()]
    await Promise.all([one.call(1, 'echo'), two.call(1, 'echo')])
    const refused = await three.call(1, 'echo')
    expect(refused.error).toMatchObject({
      message: 'Server scripted has no session left: all 2 are taken',
      data: { code: 'too-many-sessions', hint: expect.stringContaining('maxSessions') },
    })
    one.link.close()
    await vi.waitFor(async () => expect((await three.call(2, 'echo')).error).toBeUndefined(), FINALLY)
  })

  it('ends one that is idle, and begins another with the next request, which hears what was wanted before', async () => {
    await start({ idleTimeoutMs: 30 })
    const session = client()
    await session.ask(1, 'logging/setLevel', { level: 'warning' })
    const before = await askedOf(session, 2)
    await vi.waitFor(() => expect(sessions()).toBe(0), FINALLY)
    const after = await askedOf(session, 3)
    expect(after.pid).not.toBe(before.pid)
    expect(JSON.parse(answered(await session.call(4, 'seen')))).toContainEqual({
      method: 'logging/setLevel',
      level: 'warning',
    })
  })

  it('takes neither one with a call under way nor one that waits for news for idle', async () => {
    await start({ idleTimeoutMs: 30 })
    const [calling, subscribed, idle] = [client(), client(), client()]
    calling.send({ id: 1, method: 'tools/call', params: { name: 'never' } })
    await subscribed.ask(1, 'resources/subscribe', { uri: 'a:' })
    await idle.call(1, 'echo')
    await vi.waitFor(() => expect(sessions()).toBe(2), FINALLY)
    expect(answered(await subscribed.call(2, 'subscribed'))).toBe('["a:"]')
  })

  it('answers a call with an error when its process dies, and goes on with another', async () => {
    await start()
    const session = client()
    await session.ask(1, 'resources/subscribe', { uri: 'a:' })
    const before = await askedOf(session, 2)
    const died = await session.call(3, 'die')
    expect(died.error).toMatchObject({ message: expect.stringContaining('it exited with code 7') })
    expect(died.error?.data).toMatchObject({ code: 'server-ended' })
    expect((await askedOf(session, 4)).pid).not.toBe(before.pid)
    expect(answered(await session.call(5, 'subscribed'))).toBe('["a:"]')
    expect(mcpd.host.isRunning('i1')).toBe(true)
  })

  it('keeps as many processes ready as it should, and gives them to clients', async () => {
    await start({ maxSessions: 3, minIdle: 2 })
    await vi.waitFor(() => expect(sessions()).toBe(2), FINALLY)
    const session = client({ roots: {} }, 'late')
    expect(await askedOf(session, 1)).toMatchObject({ capabilities: { roots: {} }, clientInfo: { name: 'late' } })
    await vi.waitFor(() => expect(sessions()).toBe(3), FINALLY)
  })

  it('leaves nothing behind when it is stopped in the middle of everything', async () => {
    await start({ maxSessions: 10, minIdle: 2 })
    const all = Array.from({ length: 5 }, () => client())
    await Promise.all(all.map((each) => each.call(1, 'echo')))
    const under = all.map((each) => each.call(2, 'never'))
    await Promise.all(all.map((each) => each.call(3, 'echo'))) // sent after those
    await mcpd.host.stop('i1')
    for (const answer of await Promise.all(under)) expect(answer.error?.data).toMatchObject({ code: 'server-ended' })
    expect(mcpd.runtime.children.size).toBe(0)
  })

  it('leaves nothing behind of 200 clients that come and go, whatever they were doing', {
    timeout: 60_000,
  }, async () => {
    await start({ maxSessions: 8 })
    for (let wave = 0; wave < 25; wave += 1) {
      const all = Array.from({ length: 8 }, () => client())
      const calls = all.map((each, i) => (i % 4 === 0 ? undefined : each.call(1, i % 4 === 1 ? 'never' : 'echo')))
      await Promise.all(calls.filter((_, i) => i % 4 > 1))
      for (const each of all) each.link.close()
      await vi.waitFor(() => expect(sessions()).toBe(0), FINALLY)
    }
    expect(mcpd.host.connections('scripted')[0]?.sessions).toBe(0)
    expect(mcpd.topology.listeners).toBe(0)
  })

  it('serves server-everything, which asks its client for roots', async () => {
    await mcpd.close()
    mcpd = createTestMcpd(projectWith('everything'))
    await mcpd.start({ ...everything('e1'), dedicated: SESSIONS })
    const session = mcpd.connect('everything')
    session.introduce({ capabilities: { roots: { listChanged: true } }, clientInfo: { name: 'c', version: '1' } })
    expect(answered(await session.call(1, 'echo', { message: 'hello' }))).toBe('Echo: hello')
    await vi.waitFor(
      () => expect(session.messages.some(({ method, id }) => method === 'roots/list' && id !== undefined)).toBe(true),
      FINALLY,
    )
  })
})
