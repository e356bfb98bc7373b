import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it, vi } from 'vitest'
import { begin } from './testing/begin.ts'
import { type Asked, event, events, INITIALIZED, json, mcp, result, SESSION } from './testing/http-server.ts'

const FINALLY = { timeout: 10_000, interval: 5 }
const methods = (asked: readonly Asked[]) => asked.map(({ method, message }) => message?.method ?? method)
const news = (n: number) => ({ jsonrpc: '2.0', method: 'notifications/own', params: { n } })

describe('a session over Streamable HTTP', () => {
  it('carries the id and the revision that the server gave on everything after initialize', async () => {
    const { server, stream } = await begin(mcp((asked, answer) => json(answer, result(asked))))
    await stream.initialize()
    await stream.ask(1, 'tools/list')
    await vi.waitFor(() => expect(methods(server.asked)).toContain('GET'), FINALLY)
    await stream.stop({ graceMs: 1000 })
    const [first, ...others] = server.asked
    expect(first?.headers).not.toHaveProperty('mcp-session-id')
    expect(first?.headers.accept).toBe('application/json, text/event-stream')
    expect(methods(others)).toEqual(
      expect.arrayContaining(['notifications/initialized', 'tools/list', 'GET', 'DELETE']),
    )
    for (const { headers } of others)
      expect(headers).toMatchObject({ 'mcp-session-id': SESSION, 'mcp-protocol-version': '2025-11-25' })
  })

  it('sends nothing until the server knows that it is initialised', async () => {
    let accept = () => {}
    const { server, stream } = await begin((asked, answer) => {
      if (asked.message?.method === 'notifications/initialized') accept = () => answer.writeHead(202).end()
      else mcp((each, open) => json(open, result(each)))(asked, answer)
    })
    await stream.initialize()
    const list = stream.ask(1, 'tools/list')
    await vi.waitFor(() => expect(methods(server.asked)).toContain('notifications/initialized'), FINALLY)
    expect(methods(server.asked)).toEqual(['initialize', 'notifications/initialized'])
    accept()
    expect((await list).result).toEqual({})
  })

  it('needs no session id and no stream of the server', async () => {
    const { server, stream } = await begin((asked, answer) => {
      if (asked.message?.method === 'initialize') json(answer, result(asked, INITIALIZED))
      else mcp((each, open) => json(open, result(each)))(asked, answer)
    })
    await stream.initialize()
    expect((await stream.ask(1, 'tools/list')).result).toEqual({})
    await vi.waitFor(() => expect(stream.debug).toEqual(['the server has no stream of its own']), FINALLY)
    await stream.stop({ graceMs: 1000 })
    expect(methods(server.asked)).not.toContain('DELETE')
    expect(stream.logged).toEqual([])
  })

  it('delivers texts as they came, on one line, with fields and numbers that nobody has heard of', async () => {
    const odd = (id: unknown) =>
      `{"jsonrpc": "2.0",\r\n "id":${id}, "result":{"big":12345678901234567890,"\\u0061":1e2},\n"x-own":[]}`
    const { stream } = await begin(
      mcp((asked, answer) => {
        const text = odd(asked.message?.id)
        if (asked.message?.method === 'json')
          answer.writeHead(200, { 'content-type': 'application/json; charset=utf-8' }).end(text)
        else events(answer).end(`data: ${text.replace(/\r?\n/g, '\ndata: ')}\n\n`)
      }),
    )
    await stream.initialize()
    await stream.ask(1, 'json')
    await stream.ask(2, 'events')
    expect(stream.lines.slice(1)).toEqual([1, 2].map((id) => odd(id).replace(/\r?\n/g, ' ')))
  })

  it('takes JSON for one answer, events for the next and several messages in an array', async () => {
    const { stream } = await begin(
      mcp((asked, answer) => {
        if (asked.message?.method === 'events')
          events(answer).end(event(news(1)) + event(news(2)) + event(result(asked)))
        else if (asked.message?.method === 'array') json(answer, [news(3), result(asked, { own: true })])
        else json(answer, result(asked))
      }),
    )
    await stream.initialize()
    await stream.ask(1, 'json')
    await stream.ask(2, 'events')
    expect((await stream.ask(3, 'array')).result).toEqual({ own: true })
    expect(stream.notifications('notifications/own').map(({ params }) => params?.n)).toEqual([1, 2, 3])
  })

  it.each([
    ['gzip', gzipSync],
    ['br', brotliCompressSync],
    ['deflate', deflateSync],
  ] as const)('unpacks %s', async (encoding, pack) => {
    const { server, stream } = await begin(
      mcp((asked, answer) => {
        const headers = { 'content-type': 'application/json', 'content-encoding': encoding }
        answer.writeHead(200, headers).end(pack(JSON.stringify(result(asked, { packed: true }))))
      }),
    )
    await stream.initialize()
    expect((await stream.ask(1, 'tools/list')).result).toEqual({ packed: true })
    expect(server.asked[0]?.headers['accept-encoding']).toContain(encoding)
  })

  it('hears what the server says by itself, and goes on after the last event when the stream ends', async () => {
    const streams: (string | undefined)[] = []
    const { stream } = await begin((asked, answer) => {
      if (asked.method !== 'GET') {
        mcp(() => {})(asked, answer)
        return
      }
      streams.push(asked.headers['last-event-id'] as string | undefined)
      const n = streams.length
      // The first says only where it stands, the second ends after an event, the third stays.
      if (n === 1) events(answer).end('id: e0\nretry: 10\ndata:\n\n')
      else if (n === 2) events(answer).end(event(news(1), 'id: e1\n') + event(news(2)))
      else if (n === 3) answer.writeHead(409).end('there is such a stream')
      else events(answer).write(`: comment\nevent: other\ndata: not for us\n\n${event(news(3), 'event: message\n')}`)
    })
    await stream.initialize()
    await vi.waitFor(() => expect(stream.notifications('notifications/own')).toHaveLength(3), FINALLY)
    expect(streams).toEqual([undefined, 'e0', 'e1', 'e1'])
    expect(stream.logged).toEqual([])
  })

  it('resumes the stream of a call that broke off before its answer', async () => {
    const resumed: unknown[] = []
    const { stream } = await begin(
      mcp((asked, answer) => {
        if (asked.method === 'POST') {
          events(answer).write(event(news(1), 'id: a\n'), () => answer.destroy())
          return
        }
        resumed.push(asked.headers['last-event-id'])
        if (resumed.length === 1) events(answer).end(event(news(2), 'id: b\n'))
        else if (resumed.length === 2) answer.writeHead(409).end('there is such a stream')
        else events(answer).end(event({ jsonrpc: '2.0', id: 7, result: { late: true } }))
      }),
    )
    await stream.initialize()
    expect((await stream.ask(7, 'tools/call')).result).toEqual({ late: true })
    expect(resumed).toEqual(['a', 'b', 'b'])
    expect(stream.notifications('notifications/own').map(({ params }) => params?.n)).toEqual([1, 2])
  })

  it('waits for an answer that the server lets its client ask for again and again', async () => {
    let polls = 0
    const { stream } = await begin(
      mcp((asked, answer) => {
        if (asked.method === 'GET') polls++
        if (polls < 10) events(answer).end(`id: p${polls}\nretry: 1\ndata:\n\n`)
        else events(answer).end(event({ jsonrpc: '2.0', id: 1, result: {} }))
      }),
    )
    await stream.initialize()
    expect((await stream.ask(1, 'tools/call')).result).toEqual({})
    expect(polls).toBe(10)
  })

  it('lets go of a cancelled call once the server was told', async () => {
    const { server, stream } = await begin(
      mcp((asked, answer) => {
        if (asked.message?.id === undefined) answer.writeHead(202).end()
        else events(answer)
      }),
    )
    await stream.initialize()
    void stream.ask(5, 'tools/call')
    await vi.waitFor(() => expect(server.open.size).toBe(1), FINALLY)
    stream.tell('notifications/cancelled', { requestId: 5 })
    await vi.waitFor(() => expect(server.open.size).toBe(0), FINALLY)
    expect(methods(server.asked)).toContain('notifications/cancelled')
    expect(stream.lines).toHaveLength(1)
  })

  it('closes a stream that the server leaves open after its answer', async () => {
    const { server, stream } = await begin(
      mcp((asked, answer) => events(answer).write(event(result(asked)))),
      { limits: { lingerMs: 20 } },
    )
    await stream.initialize()
    await stream.ask(1, 'tools/call')
    await vi.waitFor(() => expect(server.open.size).toBe(0), FINALLY)
  })

  it('answers once: what comes after that under the same id is dropped', async () => {
    const { stream } = await begin(
      mcp((asked, answer) => events(answer).end(event(result(asked)) + event(result(asked)) + event(news(1)))),
    )
    await stream.initialize()
    await stream.ask(1, 'tools/call')
    await vi.waitFor(() => expect(stream.notifications('notifications/own')).toHaveLength(1), FINALLY)
    expect(stream.lines).toHaveLength(3)
    expect(stream.debug).toContain('dropped an answer that nobody waits for')
  })

  it('tries again while the server is starting', async () => {
    let times = 0
    const { stream } = await begin(
      (asked, answer) => {
        if (++times <= 2) answer.destroy()
        else mcp(() => {})(asked, answer)
      },
      { startupMs: 10_000 },
    )
    expect((await stream.initialize()).result).toEqual(INITIALIZED)
  })

  it.each([307, 308])('follows a redirect of %i within the origin, and says so once', async (status) => {
    const { server, stream } = await begin(
      (asked, answer) => {
        if (asked.path === '/mcp') answer.writeHead(status, { location: '/mcp/?x=secret-of-query' }).end()
        else mcp((each, open) => json(open, result(each)))(asked, answer)
      },
      { headers: { Authorization: 'Bearer token-0815-4711' } },
    )
    await stream.initialize()
    expect((await stream.ask(1, 'tools/list')).result).toEqual({})
    expect(server.asked.every(({ headers }) => headers.authorization === 'Bearer token-0815-4711')).toBe(true)
    expect(stream.logged).toEqual([expect.stringMatching(/^requests to .*\/mcp are redirected to .*\/mcp\/: /)])
  })
})
