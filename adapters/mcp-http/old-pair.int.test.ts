import type { ServerResponse } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { begin, type TestPart } from './testing/begin.ts'
import { event, events, type Handler, INITIALIZED, result } from './testing/http-server.ts'
import { INITIALIZE } from './testing/test-stream.ts'

const FINALLY = { timeout: 10_000, interval: 5 }
const news = (n: number) => ({ jsonrpc: '2.0', method: 'notifications/own', params: { n } })
const PART: TestPart = { transport: 'SSE', path: '/sse' }

/** A server of the old pair. `handler` answers what is posted; what it says goes over `stream`. */
const oldServer = (
  handler: (asked: Parameters<Handler>[0], answer: ServerResponse, stream: ServerResponse) => void,
): Handler => {
  let stream: ServerResponse | undefined
  return (asked, answer) => {
    if (asked.method === 'GET') stream = events(answer)
    if (asked.method === 'GET') stream?.write('event: endpoint\ndata: /messages?sessionId=abc\n\n')
    else if (stream === undefined) throw new Error('posted before there was a stream')
    else if (asked.message?.method === 'initialize')
      stream.write(event(result(asked, INITIALIZED))) && answer.writeHead(202).end('Accepted')
    else handler(asked, answer, stream)
  }
}
const accepting = oldServer((asked, answer, stream) => {
  answer.writeHead(202).end()
  if (asked.message?.id !== undefined) stream.write(event(result(asked)))
})

describe('a session over the old pair of endpoints', () => {
  it('posts where the first event says, and reads everything on the one stream', async () => {
    const { server, stream } = await begin(accepting, PART)
    await stream.initialize()
    expect((await stream.ask(1, 'tools/list')).result).toEqual({})
    expect(server.asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /sse',
      ...Array<string>(3).fill('POST /messages?sessionId=abc'),
    ])
  })

  it('follows a redirect of its stream within the origin; the endpoint is seen from there', async () => {
    const { server, stream } = await begin((asked, answer) => {
      if (asked.path === '/sse') answer.writeHead(302, { location: '/v1/sse' }).end()
      else if (asked.method === 'GET') events(answer).write('event: endpoint\ndata: messages\n\n')
      else answer.writeHead(202).end()
    }, PART)
    stream.tell('initialize')
    await vi.waitFor(() => expect(server.asked.at(-1)?.path).toBe('/v1/messages'), FINALLY)
  })

  it('is over when the stream ends; calls under way may have run', async () => {
    const { stream } = await begin(
      oldServer((asked, answer, sse) => {
        answer.writeHead(202).end()
        if (asked.message?.method === 'tools/call') sse.end(event(news(1)))
      }),
      PART,
    )
    await stream.initialize()
    const { error } = await stream.ask(1, 'tools/call')
    expect(error?.data).toMatchObject({ code: 'server-ended', hint: expect.stringContaining('may have run') })
    expect(stream.notifications('notifications/own')).toHaveLength(1)
    expect(await stream.exited).toEqual({ reason: 'its event stream ended' })
  })

  it('fails a call whose message was refused, and goes on', async () => {
    let refuse = true
    const { stream } = await begin(
      oldServer((asked, answer, sse) => {
        if (asked.message?.method !== 'tools/call') answer.writeHead(202).end()
        else if (refuse) answer.writeHead(500).end('not now')
        else answer.writeHead(202).end(() => sse.write(event(result(asked))))
      }),
      PART,
    )
    await stream.initialize()
    expect((await stream.ask(1, 'tools/call')).error?.message).toBe('The server answered HTTP 500: "not now"')
    refuse = false
    expect((await stream.ask(2, 'tools/call')).result).toEqual({})
  })

  it.each<[string, Handler, string]>([
    ['refuses its stream', (_, answer) => answer.writeHead(404).end(), 'STREAMABLE_HTTP'],
    ['sends a page', (_, answer) => answer.writeHead(200, { 'content-type': 'text/html' }).end(), '"text/html"'],
    ['ends its stream at once', (_, answer) => events(answer).end(), 'does not name where messages go'],
    ['names no endpoint', (_, answer) => events(answer).write(': hello\n\n'), 'does not name where messages go'],
    ['names nonsense', (_, answer) => events(answer).write('event: endpoint\ndata: http://\n\n'), 'does not name'],
    [
      'names an endpoint of another origin',
      (_, answer) => events(answer).write('event: endpoint\ndata: http://other.example/m?x=y\n\n'),
      'http://other.example/m, which is another origin',
    ],
    ['wants credentials', (_, answer) => answer.writeHead(401).end(), 'headers'],
  ])('is over before it began with one that %s', async (_what, handler, why) => {
    const { stream } = await begin(handler, { ...PART, limits: { acceptMs: 100 } })
    const { error } = await stream.ask(1, 'initialize', INITIALIZE)
    expect(`${error?.message} ${JSON.stringify(error?.data)}`).toContain(why)
    expect(error?.data).toMatchObject({ hint: expect.stringContaining('did not run') })
    const { reason } = await stream.exited
    expect(error?.message).toBe(reason)
  })

  it('tries again while the server is starting, but not after it stood', async () => {
    let gets = 0
    const { stream } = await begin(
      (asked, answer) => {
        if (asked.method === 'GET' && ++gets < 3) answer.destroy()
        else accepting(asked, answer)
      },
      { ...PART, startupMs: 60_000 },
    )
    await stream.initialize()
    expect(gets).toBe(3)
  })

  it('closes its stream at the end', async () => {
    const { server, stream } = await begin(accepting, PART)
    await stream.initialize()
    await stream.stop({ graceMs: 1000 })
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), FINALLY)
  })
})
