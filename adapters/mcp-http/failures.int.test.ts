import { describe, expect, it } from 'vitest'
import { begin, streamTo } from './testing/begin.ts'
import { event, events, type Handler, json, mcp, result, SESSION, startServer } from './testing/http-server.ts'
import { INITIALIZE } from './testing/test-stream.ts'

const TOKEN = 'token-0815-4711'
const headers = { Authorization: `Bearer ${TOKEN}` }

/** What becomes of a call in a session that has begun well. */
const failing = async (handler: Handler, limits = {}) => {
  const { server, stream } = await begin(mcp(handler), { headers, limits })
  await stream.initialize()
  const { error } = await stream.ask(1, 'tools/call', { name: 'x' })
  return { server, stream, error }
}
const status =
  (code: number, body: unknown = { error: `no, ${TOKEN}` }, more = {}): Handler =>
  (_asked, answer) =>
    json(answer, body, code, more)

describe('a call over HTTP that fails', () => {
  it.each([
    [401, 'credentials-refused', 'did not run', 'headers'],
    [403, 'credentials-refused', 'did not run', 'secret'],
    [405, 'wrong-endpoint', 'did not run', 'transport: SSE'],
    [413, 'http-status', 'did not run', ''],
    [429, 'server-busy', 'did not run', 'Try again'],
    [500, 'http-status', 'may have run', ''],
    [503, 'server-busy', 'did not run', 'Try again'],
    [504, 'http-status', 'may have run', ''],
  ])('with HTTP %i is %s, %s', async (code, word, ran, hint) => {
    const { error, stream } = await failing(status(code))
    expect(error).toMatchObject({ code: -32000, message: expect.stringContaining(`HTTP ${code}`) })
    expect(error?.data).toMatchObject({ code: word, status: code, hint: expect.stringContaining(ran) })
    expect(JSON.stringify(error)).toContain(hint)
    expect(JSON.stringify([error, stream.logged])).not.toContain(TOKEN)
    expect(error?.message).toContain('no, [redacted]')
  })

  it.each([
    ['120', 120],
    [new Date(Date.now() + 90_500).toUTCString(), expect.closeTo(90, -1)],
  ])('says when to try again: Retry-After: %s', async (retryAfter, seconds) => {
    const { error } = await failing(status(429, {}, { 'retry-after': retryAfter }))
    expect(error?.data).toMatchObject({ code: 'server-busy', retryAfter: seconds })
  })

  it('quotes little of what the server said', async () => {
    const { error } = await failing(status(500, 'x'.repeat(10_000)))
    expect(error?.message.length).toBeLessThan(300)
  })

  it("has the server's own answer, if it is one to this call, whatever its status", async () => {
    const own: Handler = (asked, answer) =>
      json(
        answer,
        { jsonrpc: '2.0', id: asked.message?.id, error: { code: -32602, message: 'no such tool', data: 1 } },
        400,
      )
    const { error } = await failing(own)
    expect(error).toEqual({ code: -32602, message: 'no such tool', data: 1 })
  })

  it.each<[string, Handler, string]>([
    ['is only taken', (_, answer) => answer.writeHead(202).end(), 'nothing with HTTP 202'],
    ['gets a page', (_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end('<h1>hi'), '"text/html"'],
    [
      'gets no JSON',
      (_, answer) => answer.writeHead(200, { 'content-type': 'application/json' }).end('{"half'),
      'no answer',
    ],
    ["gets another's answer", (_, answer) => json(answer, { jsonrpc: '2.0', id: 99, result: {} }), 'no answer'],
    ['gets an empty stream', (_, answer) => events(answer).end(), 'its stream ended before'],
    ['gets half an event', (_, answer) => events(answer).end('data: {"jsonrpc'), 'its stream ended before'],
    [
      'gets what is packed otherwise',
      (asked, answer) => json(answer, result(asked), 200, { 'content-encoding': 'zip' }),
      '"zip"',
    ],
    [
      'gets what is not packed',
      (asked, answer) => json(answer, result(asked), 200, { 'content-encoding': 'gzip' }),
      'unpacked',
    ],
  ])('%s: no answer', async (_what, handler, why) => {
    const { error } = await failing(handler)
    expect(error).toMatchObject({
      code: -32000,
      data: { code: 'no-answer', hint: expect.stringContaining('may have run') },
    })
    expect(error?.message).toContain(why)
  })

  it('breaks off without a reason', async () => {
    const { error } = await failing((_asked, answer) => answer.destroy())
    expect(error?.data).toMatchObject({ code: 'connection-lost', hint: expect.stringContaining('may have run') })
  })

  it('breaks off within JSON', async () => {
    const { error } = await failing((_asked, answer) => {
      answer.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
      answer.write('{"jsonrpc":', () => answer.destroy())
    })
    expect(error?.data).toMatchObject({ code: 'connection-lost' })
  })

  it('breaks off within events that cannot be resumed', async () => {
    const { error } = await failing((asked, answer) => {
      if (asked.method === 'GET') answer.writeHead(405).end()
      else events(answer).write('id: a\ndata:\n\n', () => answer.destroy())
    })
    expect(error?.message).toContain('cannot be resumed (HTTP 405)')
  })

  it('is not answered in time', async () => {
    const { error } = await failing(() => {}, { answerMs: 300 })
    expect(error).toMatchObject({ code: -32001, data: { code: 'server-timeout' } })
  })

  it('is answered with a beginning and then nothing', async () => {
    const slow: Handler = (_asked, answer) => answer.writeHead(200, { 'content-type': 'application/json' }).write('{')
    const { error } = await failing(slow, { silenceMs: 50 })
    expect(error).toMatchObject({ code: -32001, data: { code: 'server-timeout' } })
  })

  it.each<[string, Handler]>([
    ['JSON', (asked, answer) => json(answer, result(asked, { text: 'x'.repeat(100_000) }))],
    ['an event', (asked, answer) => events(answer).end(event(result(asked, { text: 'x'.repeat(100_000) })))],
    ['an event without end', (_asked, answer) => void events(answer).write(`data: ${'x'.repeat(100_000)}`)],
  ])('is answered too long, in %s', async (_what, handler) => {
    const { error, stream } = await failing(handler, { maxMessage: 50_000 })
    expect(error).toMatchObject({ data: { code: 'answer-too-large' }, message: expect.stringContaining('50000 bytes') })
    expect(stream.lines).toHaveLength(2)
  })

  it.each([
    [301, '/elsewhere', 'a POST would become a GET'],
    [303, '/elsewhere', 'a POST would become a GET'],
    [307, 'https://other.example/mcp?token=abc', 'another origin'],
    [308, '/mcp', 'too many'],
  ])('is sent elsewhere with %i to %s', async (code, location, why) => {
    const { error, server } = await failing((_asked, answer) => answer.writeHead(code, { location }).end())
    expect(error).toMatchObject({ data: { code: 'server-moved', status: code }, message: expect.stringContaining(why) })
    expect(error?.message).toContain(new URL(location.replace(/\?.*/, ''), server.url).href)
    expect(JSON.stringify(error)).not.toContain('token=abc')
  })

  it('sends no credentials to another origin', async () => {
    const other = await startServer((_asked, answer) => answer.writeHead(200).end())
    const { error } = await failing((_asked, answer) => answer.writeHead(307, { location: other.url.href }).end())
    expect(error?.data).toMatchObject({ code: 'server-moved', location: other.url.href })
    expect(other.asked).toEqual([])
    await other.close()
  })

  it('has a header that cannot be sent', async () => {
    const { stream } = await begin(() => {}, { headers: { 'x-key': `${TOKEN}\u2603` } })
    const { error } = await stream.ask(1, 'initialize', INITIALIZE)
    expect(error).toMatchObject({ data: { code: 'header-unsendable' }, message: expect.stringContaining('x-key') })
    expect(JSON.stringify(error)).not.toContain(TOKEN)
  })

  it('has a value whose line break at the end does not matter', async () => {
    const { stream, server } = await begin(
      mcp(() => {}),
      { headers: { 'X-Key': 'abc\n' } },
    )
    await stream.initialize()
    expect(server.asked[0]?.headers['x-key']).toBe('abc')
  })

  it('goes where nobody listens', async () => {
    const server = await startServer(() => {})
    await server.close()
    const { error } = await streamTo(server.url).ask(1, 'initialize', INITIALIZE)
    expect(error).toMatchObject({
      code: -32000,
      message: expect.stringContaining('nobody listens there (ECONNREFUSED)'),
      data: { code: 'server-unreachable', hint: expect.stringContaining('did not run') },
    })
  })

  it('goes to a name that nobody knows', async () => {
    const { error } = await streamTo(new URL('http://no-such-host.invalid/mcp')).ask(1, 'initialize', INITIALIZE)
    expect(error?.data).toMatchObject({ code: 'server-unreachable', reason: expect.stringContaining('its name') })
  })
})

describe('a session that the server forgot', () => {
  const said = { jsonrpc: '2.0', error: { code: -32000, message: `Session ${SESSION} not found` } }

  it.each([400, 404])('is over with HTTP %i; the call that found out did not run', async (code) => {
    const { error, stream } = await failing(status(code, said))
    expect(error?.data).toMatchObject({
      code: 'session-forgotten',
      status: code,
      hint: expect.stringContaining('did not run'),
    })
    expect(await stream.exited).toEqual({
      reason: `it does not know the session any more (HTTP ${code}): "Session [redacted] not found"`,
    })
    expect(stream.send('{"jsonrpc":"2.0","id":2,"method":"ping"}')).toBe(false)
  })

  it('is recognised though the refusal stands under the id of the call', async () => {
    const { error, stream } = await failing((asked, answer) => json(answer, { ...said, id: asked.message?.id }, 400))
    expect(error?.data).toMatchObject({ code: 'session-forgotten' })
    await stream.exited
  })

  it('leaves it open whether other calls under way have run', async () => {
    const { stream } = await begin(
      mcp((asked, answer) => {
        if (asked.message?.id === 'slow') events(answer)
        else json(answer, said, 404)
      }),
    )
    await stream.initialize()
    const slow = stream.ask('slow', 'tools/call')
    await stream.ask('fast', 'tools/call')
    expect((await slow).error?.data).toMatchObject({
      code: 'server-ended',
      hint: expect.stringContaining('may have run'),
    })
    await stream.exited
  })

  it('is found out by the stream that is opened again', async () => {
    let gets = 0
    const { stream } = await begin((asked, answer) => {
      if (asked.method !== 'GET') mcp(() => {})(asked, answer)
      else if (++gets === 1) events(answer).end()
      else json(answer, said, 404)
    })
    await stream.initialize()
    expect((await stream.exited).reason).toContain('HTTP 404')
  })

  it('is not over where the first such stream has no path', async () => {
    const { stream } = await begin((asked, answer) => {
      if (asked.method === 'GET') answer.writeHead(404).end('Cannot GET /mcp')
      else mcp((each, open) => json(open, result(each)))(asked, answer)
    })
    await stream.initialize()
    await expect.poll(() => stream.debug).toEqual(['the server has no stream of its own'])
    expect((await stream.ask(1, 'tools/list')).result).toEqual({})
  })
})
