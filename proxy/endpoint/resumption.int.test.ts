import { describe, expect, it, vi } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { BEARER } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { openSession, post, startDemo } from '../testing/local.ts'
import { type RawStream, readResponse, readStream } from '../testing/raw-stream.ts'
import type { EndpointLimits } from './limits.ts'

/** A server whose one tool says and answers what the test tells it to. */
const scripted = () => {
  const work = {
    say: (_data: unknown): void => {},
    answer: (_result: JsonObject): void => {},
    stopped: false,
  }
  const server = new FakeServer('a', { tools: {}, logging: {} }).tools('x').on('tools/call', ({ notify, signal }) => {
    work.say = (data) => notify('notifications/message', { level: 'info', data: data as string })
    signal.addEventListener('abort', () => {
      work.stopped = true
    })
    return new Promise((resolve) => {
      work.answer = resolve
    })
  })
  return { server, work }
}

const start = async (limits: Partial<EndpointLimits> = {}, version = '2025-11-25') => {
  const { server, work } = scripted()
  const local = await startDemo([server], {}, { limits: { primeMs: 5, retryMs: 10, drainMs: 20, ...limits } })
  const url = local.endpoint('demo')
  const session = await openSession(url, version)
  const calls = () => server.methods().filter((method) => method === 'tools/call').length
  /** Begins a call; resolves with its stream, once that has begun. */
  const call = async (id: number): Promise<RawStream> => {
    const stop = new AbortController()
    const before = calls()
    const message = { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'a__x' } }
    const response = post(url, message, session, stop.signal)
    await vi.waitFor(() => expect(calls()).toBe(before + 1))
    if (version < '2025-11-25') work.say('begun')
    return readResponse(await response, stop)
  }
  const resume = (lastId: string, headers: Record<string, string> = session) =>
    readStream(url, { ...headers, 'Last-Event-ID': lastId })
  const metric = async (name: string) => {
    const text = await (await fetch(`${local.local.url}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1])
  }
  return { local, url, session, server, work, call, resume, metric }
}

const said = (data: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } })
const answer = (id: number, text: string) => ({ jsonrpc: '2.0', id, result: { text } })
const seen = (stream: RawStream, ...messages: object[]) =>
  vi.waitFor(() => expect(stream.messages()).toEqual(messages), { timeout: 5_000 })
const ended = (stream: RawStream) => vi.waitFor(() => expect(stream.isOpen()).toBe(false), { timeout: 5_000 })

describe('the stream of an answer', () => {
  it('begins with an id and a time to wait, before there is a message', async () => {
    const { call, work } = await start()
    const stream = await call(1)
    await vi.waitFor(() => expect(stream.events()).toEqual([{ id: 'p1-0', retry: '10', data: '' }]))
    work.answer({ text: 'done' })
    await seen(stream, answer(1, 'done'))
    await ended(stream)
  })

  it('has neither for a client of an older revision, whose first message has an id', async () => {
    const { call, work, resume } = await start({ heartbeatMs: 5 }, '2025-06-18')
    const stream = await call(1)
    await vi.waitFor(() => expect(stream.lastId()).toBe('p1-1'))
    expect(stream.events().every(({ data, retry }) => data !== '' && retry === undefined)).toBe(true)
    stream.close()
    const again = await resume('p1-1')
    work.answer({ text: 'done' })
    await seen(again, answer(1, 'done'))
  })

  it('goes on after the last event that its client has had, and the call was never cancelled', async () => {
    const { call, work, resume, server } = await start()
    const stream = await call(1)
    work.say('one')
    work.say('two')
    await seen(stream, said('one'), said('two'))
    const [, first] = stream.events()
    stream.close()
    work.say('three')
    const again = await resume(first?.id ?? '')
    await seen(again, said('two'), said('three'))
    work.answer({ text: 'done' })
    await seen(again, said('two'), said('three'), answer(1, 'done'))
    await ended(again)
    expect(work.stopped).toBe(false)
    expect(server.methods()).not.toContain('notifications/cancelled')
  })

  it('has the answer that came while nobody was there', async () => {
    const { call, work, resume, url, session } = await start()
    const stream = await call(1)
    await vi.waitFor(() => expect(stream.lastId()).not.toBe(''))
    stream.close()
    await ended(stream)
    work.answer({ text: 'late' })
    // The answer has come by the time that this one has, which came after it.
    await (await post(url, { jsonrpc: '2.0', id: 2, method: 'ping' }, session)).json()
    const again = await resume(stream.lastId())
    await seen(again, answer(1, 'late'))
    await ended(again)
    // And once more, for a client whose connection breaks again.
    await seen(await resume(stream.lastId()), answer(1, 'late'))
  })

  it('has nothing of another stream', async () => {
    const { call, work, resume } = await start()
    const first = await call(1)
    const [answerFirst, sayFirst] = [work.answer, work.say]
    const second = await call(2)
    await vi.waitFor(() => expect([first.lastId(), second.lastId()]).toEqual(['p1-0', 'p2-0']))
    first.close()
    second.close()
    work.answer({ text: 'second' })
    answerFirst({ text: 'first' })
    expect(sayFirst).not.toBe(work.say)
    await seen(await resume('p1-0'), answer(1, 'first'))
    await seen(await resume('p2-0'), answer(2, 'second'))
  })

  it('is taken over by the newer connection of two', async () => {
    const { call, work, resume } = await start()
    const stream = await call(1)
    await vi.waitFor(() => expect(stream.lastId()).toBe('p1-0'))
    const again = await resume('p1-0')
    await ended(stream)
    work.answer({ text: 'done' })
    await seen(again, answer(1, 'done'))
  })

  it('is ended before the answer when a connection has carried it for long; a client comes back for the rest', async () => {
    const { local, work, server } = await start({ streamMs: 20, heartbeatMs: 5 })
    const { client } = await local.client()
    const result = client.callTool({ name: 'a__x' })
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    const gets = vi.spyOn(globalThis, 'fetch')
    await vi.waitFor(() => {
      const polls = gets.mock.calls.filter(([, init]) => new Headers(init?.headers).has('last-event-id'))
      expect(polls.length).toBeGreaterThan(2)
    })
    gets.mockRestore()
    work.answer({ content: [{ type: 'text', text: 'polled' }] })
    expect((await result).content).toEqual([{ type: 'text', text: 'polled' }])
  })
})

describe('a client that is sent away', () => {
  it('finds its stream when it comes back, however long that was carried before', async () => {
    const { call, work, resume } = await start({ streamMs: 1_500, resumeMs: 1_000 })
    const stream = await call(1)
    await ended(stream)
    const again = await resume(stream.lastId())
    expect(again.status).toBe(200)
    work.answer({ text: 'done' })
    await seen(again, answer(1, 'done'))
  })
})

describe('what is no longer there', () => {
  it.each(['nonsense', 'p99-0', 'p1-77', '-1', 'x'.repeat(4_000), 'p1-0, p1-0', '../p1-0'])(
    'is answered with 400: %.20s',
    async (lastId) => {
      const { call, resume, url, session } = await start()
      await call(1)
      const refused = await resume(lastId)
      expect(refused.status).toBe(400)
      await vi.waitFor(() => expect(refused.text()).toContain('event-unknown'))
      expect((await post(url, { jsonrpc: '2.0', id: 9, method: 'ping' }, session)).status).toBe(200)
    },
  )

  it('is not another session to be asked for', async () => {
    const { call, work, resume, url } = await start()
    const stream = await call(1)
    await vi.waitFor(() => expect(stream.lastId()).toBe('p1-0'))
    stream.close()
    work.answer({ text: 'mine' })
    const other = await openSession(url)
    const refused = await resume('p1-0', other)
    expect([refused.status, refused.messages()]).toEqual([400, []])
    expect((await resume('p1-0', { ...other, Authorization: 'Bearer other' })).status).toBe(404)
  })

  it('leaves nothing once its client has been away for long', async () => {
    const { call, work, resume, metric } = await start({ resumeMs: 20 })
    const stream = await call(1)
    work.say('kept')
    await vi.waitFor(() => expect(stream.messages()).toHaveLength(1))
    expect(await metric('mcplocal_kept_events')).toBe(1)
    stream.close()
    await vi.waitFor(async () => expect(await metric('mcplocal_kept_events')).toBe(0))
    work.answer({ text: 'for nobody' })
    expect((await resume(stream.lastId())).status).toBe(400)
    expect([await metric('mcplocal_kept_events'), await metric('mcplocal_kept_event_bytes')]).toEqual([0, 0])
  })

  it('is said in the stream when only some of it is gone; the answer is there', async () => {
    const { call, work, resume } = await start({ keptEvents: 3 })
    const stream = await call(1)
    await vi.waitFor(() => expect(stream.lastId()).toBe('p1-0'))
    stream.close()
    for (const data of ['1', '2', '3', '4', '5']) work.say(data)
    work.answer({ text: 'done' })
    const again = await resume('p1-0')
    await seen(again, said('4'), said('5'), answer(1, 'done'))
    expect(again.text()).toContain(': 3 of the events that came meanwhile are no longer kept')
  })

  it('is an error in place of an answer that was too large', async () => {
    const { call, work, resume } = await start({ keptBytes: 1_000 })
    const stream = await call(1)
    work.answer({ text: 'x'.repeat(2_000) })
    await ended(stream)
    expect(stream.messages()).toEqual([answer(1, 'x'.repeat(2_000))])
    const again = await resume('p1-0')
    await vi.waitFor(() =>
      expect(again.messages()).toMatchObject([{ id: 1, error: { data: { code: 'answer-not-kept' } } }]),
    )
  })

  it('is nothing, where the id of the request is too large to be kept itself', async () => {
    const { url, session, metric } = await start({ keptBytes: 1_000 })
    const again = { jsonrpc: '2.0', id: 'x'.repeat(2_000), method: 'initialize' }
    const stream = readResponse(await post(url, again, { ...session, Accept: 'text/event-stream' }))
    await vi.waitFor(() => expect(stream.messages()).toMatchObject([{ id: again.id, error: { code: -32600 } }]))
    expect(await metric('mcplocal_kept_events')).toBe(0)
  })

  it('goes with the session', async () => {
    const { call, work, url, session, metric } = await start()
    const stream = await call(1)
    work.say('kept')
    await vi.waitFor(() => expect(stream.messages()).toHaveLength(1))
    await fetch(url, { method: 'DELETE', headers: { Authorization: `Bearer ${BEARER}`, ...session } })
    await ended(stream)
    expect(await metric('mcplocal_kept_events')).toBe(0)
  })
})

describe('a stream that the client listens on', () => {
  it('goes on after the last event that it has had, and then with what waited', async () => {
    const { server, url, session, resume } = await start()
    const log = (data: string) => server.notify('notifications/message', { level: 'info', data })
    const stream = await readStream(url, session)
    log('one')
    await seen(stream, said('one'))
    const [primed] = stream.events()
    stream.close()
    await ended(stream)
    await vi.waitFor(async () => {
      log('two')
      const again = await resume(primed?.id ?? '')
      await vi.waitFor(() => expect(again.messages().length).toBeGreaterThan(1))
      expect(again.messages()[0]).toEqual(said('one'))
      expect(again.messages()).toContainEqual(said('two'))
    })
  })

  it('is a new one for a client that comes back too late, and never for one that makes an id up', async () => {
    const { server, url, session, resume, metric } = await start({ resumeMs: 10 })
    const stream = await readStream(url, session)
    server.notify('notifications/message', { level: 'info', data: 'one' })
    await seen(stream, said('one'))
    const last = stream.lastId()
    stream.close()
    await vi.waitFor(async () => expect(await metric('mcplocal_kept_events')).toBe(0))
    const again = await resume(last)
    expect(again.status).toBe(200)
    server.notify('notifications/message', { level: 'info', data: 'two' })
    await seen(again, said('two'))
    expect(again.text()).toContain('this is a new stream')
    expect((await resume('g99-1')).status).toBe(400)
  })
})

describe('what is kept', () => {
  it('is bounded for all sessions together: who holds most gives way', async () => {
    const { call, work, url, metric, resume } = await start({ allKeptBytes: 3_000 })
    const small = await call(1)
    const [sayLittle, answerSmall] = [work.say, work.answer]
    sayLittle('little')
    await seen(small, said('little'))
    const other = await openSession(url)
    const response = await post(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } }, other)
    const large = readResponse(response)
    for (let n = 0; n < 20; n++) work.say('x'.repeat(300))
    await vi.waitFor(() => expect(large.messages()).toHaveLength(20))
    expect(await metric('mcplocal_kept_event_bytes')).toBeLessThanOrEqual(3_000)
    small.close()
    answerSmall({ text: 'still there' })
    await seen(await resume('p1-0'), said('little'), answer(1, 'still there'))
  })

  it('is of a bounded number of streams', async () => {
    const { server, url, session, metric } = await start({ keptStreams: 5 })
    server.on('tools/call', ({ notify }) => {
      notify('notifications/message', { level: 'info', data: 'x' })
      return {}
    })
    for (let id = 1; id <= 50; id++)
      await (await post(url, { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'a__x' } }, session)).text()
    expect(await metric('mcplocal_kept_events')).toBeLessThanOrEqual(10)
  })

  it('is nothing of answers that are plain JSON', async () => {
    const { url, session, metric } = await start({ primeMs: 10_000 })
    for (let id = 1; id <= 5; id++) await (await post(url, { jsonrpc: '2.0', id, method: 'ping' }, session)).json()
    expect(await metric('mcplocal_kept_events')).toBe(0)
  })
})
