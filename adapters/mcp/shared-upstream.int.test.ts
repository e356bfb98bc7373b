import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { longResultOf } from '../../domain/mcp/long-answer.ts'
import { createTestMcpd, projectWith, scripted, type TestMcpd } from './testing/mcpd.ts'
import { answered, type TestSession } from './testing/test-session.ts'

const FINALLY = { timeout: 5000, interval: 5 }
const update = (uri: string) => ({ jsonrpc: '2.0', method: 'notifications/resources/updated', params: { uri } })
const log = (level: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level, data: level } })

describe('a shared connection', () => {
  let mcpd: TestMcpd
  let a: TestSession
  let b: TestSession

  beforeEach(async () => {
    mcpd = createTestMcpd(projectWith('scripted'))
    await mcpd.start(scripted('i1'))
    a = mcpd.connect()
    b = mcpd.connect()
  })
  afterEach(() => mcpd.close())

  const ask = async (session: TestSession, tool: string, id = `ask-${Math.random()}`): Promise<JsonObject[]> =>
    JSON.parse(answered(await session.call(id, tool)))
  const logLines = () => mcpd.runtime.logs.get('i1') ?? []

  it('is initialised once, without sampling, elicitation and roots', async () => {
    const initialize = mcpd.host.connection('i1')?.initialize
    expect(initialize).toMatchObject({
      unheardOf: [1],
      serverInfo: {
        asked: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'mcpctl', version: '0.0.0' } },
      },
    })
    const seen = await ask(a, 'seen')
    expect(seen.filter(({ method }) => method === 'notifications/initialized')).toHaveLength(1)
  })

  it('keeps the answers of sessions with equal ids apart, and the type of each id', async () => {
    const [one, two, text] = await Promise.all([
      a.call(1, 'echo', { message: 'for a' }),
      b.call(1, 'echo', { message: 'for b' }),
      b.call('1', 'echo', { message: 'for b, too' }),
    ])
    expect([one.id, answered(one)]).toEqual([1, 'for a'])
    expect([two.id, answered(two)]).toEqual([1, 'for b'])
    expect([text.id, answered(text)]).toEqual(['1', 'for b, too'])
    expect(a.messages).toHaveLength(1)
  })

  it('passes methods and fields on that nobody has heard of, __proto__ included', async () => {
    const odd = JSON.parse('{"__proto__":{"a":1},"deep":[{"x":null}],"_meta":{"own":1}}')
    a.send({ id: 5, method: 'future/method', params: odd, ...{ extra: 'kept' } })
    await vi.waitFor(() => expect(a.messages).toHaveLength(1), FINALLY)
    const echoed = a.messages[0]?.result?.echoed as JsonObject
    expect(JSON.stringify(echoed.params)).toBe(JSON.stringify(odd))
    expect(echoed.extra).toBe('kept')
  })

  it('passes a long answer on unread, to who asked', async () => {
    const message = 'long '.repeat(100_000)
    const [long] = await Promise.all([
      a.call('mine', 'echo', { message }),
      b.call('mine', 'echo', { message: 'short' }),
    ])
    const result = longResultOf(long)
    expect(result && JSON.parse(result.toString())).toEqual(long.result)
    expect([long.id, answered(long)]).toEqual(['mine', message])
    expect(b.messages).toHaveLength(1)
  })

  it("passes the server's own errors on untouched", async () => {
    expect((await a.call(1, 'fail')).error).toEqual({ code: -32050, message: 'own error', data: { own: true } })
  })

  it('answers ping and initialize itself', async () => {
    expect(await a.ask(1, 'ping')).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
    expect((await a.ask(2, 'initialize', { capabilities: { sampling: {} } })).result?.unheardOf).toEqual([1])
    const seen = await ask(a, 'seen')
    expect(seen.map(({ method }) => method)).toEqual(['notifications/initialized', 'tools/call'])
  })

  it('sends progress to the session that asked only, under its own token', async () => {
    await Promise.all([a.call(1, 'progress', {}, { progressToken: 'mine', own: 1 }), b.call(1, 'progress')])
    const progress = a.notifications('notifications/progress').map(({ params }) => params)
    expect(progress).toEqual([
      { progressToken: 'mine', progress: 1, extra: 'kept' },
      { progressToken: 'mine', progress: 2, extra: 'kept' },
    ])
    expect(b.notifications('notifications/progress')).toEqual([])
  })

  it('goes on passing the progress of a task after the request that made it was answered', async () => {
    await a.call(1, 'task', {}, { progressToken: 0 })
    await vi.waitFor(
      () => expect(a.notifications('notifications/progress')[0]?.params).toEqual({ progressToken: 0, progress: 9 }),
      FINALLY,
    )
  })

  it('cancels the request that the session means, and no other', async () => {
    a.send({ id: 7, method: 'tools/call', params: { name: 'never' } })
    b.send({ id: 7, method: 'tools/call', params: { name: 'never' } })
    b.send({ method: 'notifications/cancelled', params: { requestId: 7, reason: 'enough' } })
    const seen = await ask(b, 'seen')
    const nevers = seen.filter(({ name }) => name === 'never')
    const cancelled = seen.filter(({ method }) => method === 'notifications/cancelled')
    expect(cancelled.map(({ params }) => params)).toEqual([{ requestId: nevers[1]?.id, reason: 'enough' }])
    expect(mcpd.calls.filter(({ outcome }) => outcome === 'cancelled')).toMatchObject([{ tool: 'never' }])
  })

  it('cancels for a client that says so in what is nested too deep to be written', async () => {
    const deep = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    a.send({ id: 7, method: 'tools/call', params: { name: 'never' } })
    a.send({ method: 'notifications/cancelled', params: { requestId: 7, deep } })
    const seen = await ask(b, 'seen')
    const told = seen.filter(({ method }) => method === 'notifications/cancelled')
    expect(told.map(({ params }) => params)).toEqual([{ requestId: expect.any(Number) }])
  })

  it('cancels what a session that leaves had under way', async () => {
    a.send({ id: 1, method: 'tools/call', params: { name: 'never' } })
    a.link.close()
    await vi.waitFor(async () => {
      const seen = await ask(b, 'seen')
      expect(seen.map(({ method }) => method)).toContain('notifications/cancelled')
    }, FINALLY)
  })

  it('drops answers with unknown or repeated ids, and says so in the log', async () => {
    expect(answered(await a.call(1, 'wrongId'))).toBe('right')
    expect(answered(await a.call(2, 'echo', { message: 'still there' }))).toBe('still there')
    expect(a.messages).toHaveLength(2)
    expect(b.messages).toHaveLength(0)
    expect(logLines()).toContain('mcpd: dropped a response with the unknown id "nobody"')
  })

  it('writes what is no message to the log and goes on', async () => {
    for (const line of ['plain prose', '{"half', '[1,2]', 'null', '{"jsonrpc":"1.0","id":1}'])
      await a.call(`p-${line}`, 'print', { line })
    expect(logLines().filter((line) => line.startsWith('stdout: '))).toEqual(
      ['plain prose', '{"half', '[1,2]', 'null', '{"jsonrpc":"1.0","id":1}'].map((line) => `stdout: ${line}`),
    )
    expect(a.messages.every(({ result }) => result !== undefined)).toBe(true)
  })

  it.each([
    ['a method that is no text', '{"jsonrpc":"2.0","id":1,"method":5}'],
    ['an id that is a list', `{"jsonrpc":"2.0","id":${'['.repeat(20_000)}${']'.repeat(20_000)},"result":{}}`],
    ['an error that is a text', '{"jsonrpc":"2.0","id":1,"error":"no"}'],
    ['an error without words', '{"jsonrpc":"2.0","id":1,"error":{"code":{"toString":1},"message":{}}}'],
  ])('writes what is none for %s to the log, too', async (_, line) => {
    await a.call(1, 'print', { line })
    expect(logLines()).toContain(`stdout: ${line}`)
  })

  it.each([null, 'text', [1]])('passes a result on that is no object: %j', async (result) => {
    const id = JSON.parse(answered(await a.call(1, 'echoId')))
    const answer = a.call(2, 'never')
    await b.call(1, 'print', { line: JSON.stringify({ jsonrpc: '2.0', id: id + 1, result }) })
    expect((await answer).result).toEqual(result)
  })

  it('takes messages in an array, as an old revision allowed', async () => {
    const line = JSON.stringify([log('error'), { jsonrpc: '2.0', method: 'notifications/own', params: { n: 1 } }])
    await a.call(1, 'print', { line })
    expect(b.messages.map(({ method }) => method)).toEqual(['notifications/message', 'notifications/own'])
  })

  it('answers a ping of the server, and refuses what no shared connection offers', async () => {
    const asked = ['ping', 'sampling/createMessage', 'roots/list', 'elicitation/create']
    const messages = asked.map((method, i) => ({ id: `s${i}`, method, params: {} }))
    await a.call(1, 'say', { messages })
    await vi.waitFor(async () => {
      const answers = (await ask(a, 'seen')).filter(({ method, id }) => method === undefined && id !== undefined)
      expect(answers.map(({ id, result, error }) => [id, result ?? (error as JsonObject).code])).toEqual([
        ['s0', {}],
        ['s1', -32601],
        ['s2', -32601],
        ['s3', -32601],
      ])
    }, FINALLY)
    expect([...a.messages, ...b.messages].filter(({ method }) => asked.includes(method ?? ''))).toEqual([])
  })

  it('tells every session of changed lists and of notifications it does not know', async () => {
    const messages = [{ method: 'notifications/tools/list_changed' }, { method: 'notifications/own', params: { n: 1 } }]
    await a.call(1, 'say', { messages })
    for (const session of [a, b]) {
      expect(session.notifications('notifications/tools/list_changed')).toHaveLength(1)
      expect(session.notifications('notifications/own')[0]?.params).toEqual({ n: 1 })
    }
  })

  describe('with subscriptions', () => {
    const subscribe = (session: TestSession, uri: string) => session.ask(`s-${uri}`, 'resources/subscribe', { uri })
    const unsubscribe = (session: TestSession, uri: string) => session.ask(`u-${uri}`, 'resources/unsubscribe', { uri })
    const updates = (session: TestSession) => session.notifications('notifications/resources/updated').length

    it('tells of an update only who subscribed to the resource or to the whole that it is part of', async () => {
      await subscribe(a, 'file:///notes')
      await a.call(1, 'say', {
        messages: [update('file:///notes'), update('file:///notes/1'), update('file:///notesbook')],
      })
      expect([updates(a), updates(b)]).toEqual([2, 0])
    })

    it("does not end one session's subscription with another's", async () => {
      await Promise.all([subscribe(a, 'r:1'), subscribe(b, 'r:1')])
      expect(await unsubscribe(a, 'r:1')).toMatchObject({ result: {} })
      expect(await ask(b, 'subscribed')).toContain('r:1')
      await a.call(1, 'say', { messages: [update('r:1')] })
      expect([updates(a), updates(b)]).toEqual([0, 1])
      await unsubscribe(b, 'r:1')
      expect(await ask(b, 'subscribed')).toEqual([])
    })

    it('ends it when the last session that wants it leaves', async () => {
      await subscribe(a, 'r:1')
      a.link.close()
      await vi.waitFor(async () => expect(await ask(b, 'subscribed')).toEqual([]), FINALLY)
    })

    it('counts none that the server refused', async () => {
      expect((await subscribe(a, 'bad:')).error?.code).toBe(-32002)
      await a.call(1, 'say', { messages: [update('bad:')] })
      expect(updates(a)).toBe(0)
    })
  })

  describe('with log levels', () => {
    const levels = [log('debug'), log('info'), log('error')]
    const got = (session: TestSession) =>
      session.notifications('notifications/message').map(({ params }) => params?.level)
    const setLevel = (session: TestSession, level: string) => session.ask(`l-${level}`, 'logging/setLevel', { level })
    const told = async () =>
      (await ask(a, 'seen')).filter(({ method }) => method === 'logging/setLevel').map(({ level }) => level)

    it('passes everything on as long as nobody asked for a level', async () => {
      await a.call(1, 'say', { messages: levels })
      expect(got(b)).toEqual(['debug', 'info', 'error'])
    })

    it('asks for the most verbose level of all and gives each session its own', async () => {
      await setLevel(a, 'error')
      await setLevel(b, 'debug')
      await setLevel(b, 'debug')
      expect(await told()).toEqual(['info', 'debug'])
      await a.call(1, 'say', { messages: levels })
      expect([got(a), got(b)]).toEqual([['error'], ['debug', 'info', 'error']])
    })

    it('becomes quieter when the session that wanted more leaves', async () => {
      await setLevel(a, 'error')
      await setLevel(b, 'debug')
      b.link.close()
      await vi.waitFor(async () => expect(await told()).toEqual(['info', 'debug', 'error']), FINALLY)
    })
  })

  it('fails what is under way when the program ends, each once', async () => {
    const never = b.call('n', 'never')
    const died = await a.call(1, 'die')
    expect(died.error).toMatchObject({ code: -32000, data: { code: 'server-ended', reason: 'it exited with code 7' } })
    expect((await never).error?.data).toMatchObject({ code: 'server-ended' })
    expect([a.messages.length, b.messages.length]).toEqual([1, 1])
    expect(mcpd.calls.map(({ outcome, tool }) => [outcome, tool])).toEqual(
      expect.arrayContaining([
        ['lost', 'die'],
        ['lost', 'never'],
      ]),
    )
  })

  it('fails a call at once when the program does not read', async () => {
    mcpd.runtime.block('i1')
    expect((await a.call(1, 'echo')).error).toMatchObject({ code: -32000, data: { code: 'server-not-reading' } })
    expect(mcpd.calls).toMatchObject([{ outcome: 'refused', requestBytes: 0 }])
  })

  it('refuses more calls of a session than may be under way, and leaves others alone', async () => {
    for (let id = 0; id < 1024; id++) a.send({ id, method: 'tools/call', params: { name: 'never' } })
    expect((await a.call('over', 'echo')).error?.data).toMatchObject({ code: 'too-many-requests' })
    expect(answered(await b.call(1, 'echo', { message: 'fine' }))).toBe('fine')
  })

  it('refuses a message that nests too deep to be written', async () => {
    let deep: JsonObject = {}
    for (let i = 0; i < 100_000; i++) deep = { deep }
    expect((await a.call(1, 'echo', deep)).error?.data).toMatchObject({ code: 'unsendable-message' })
    expect(answered(await a.call(2, 'echo', { message: 'fine' }))).toBe('fine')
  })
})
