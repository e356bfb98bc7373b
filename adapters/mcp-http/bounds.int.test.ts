import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { begin, streamTo } from './testing/begin.ts'
import { event, events, json, mcp, result } from './testing/http-server.ts'
import { INITIALIZE } from './testing/test-stream.ts'

const FINALLY = { timeout: 10_000, interval: 5 }
/** How many sockets and timers this process has. */
const held = (): Record<string, number> => {
  const all = process.getActiveResourcesInfo()
  return Object.fromEntries(
    ['TCPSocketWrap', 'Timeout'].map((kind) => [kind, all.filter((each) => each === kind).length]),
  )
}
const beyond = (before: Record<string, number>): string[] =>
  Object.entries(held()).flatMap(([kind, count]) => (count > (before[kind] ?? 0) ? [`${kind}: ${count}`] : []))

describe('what a session over HTTP holds is bounded', () => {
  it('takes a result of 50 MB, as JSON and as an event', async () => {
    const { stream } = await begin(
      mcp((asked, answer) => {
        const big = result(asked, { text: 'x'.repeat(50 * 1024 * 1024) })
        if (asked.message?.id === 1) json(answer, big)
        else events(answer).end(event(big))
      }),
    )
    await stream.initialize()
    for (const id of [1, 2])
      expect(`${(await stream.ask(id, 'tools/call')).result?.text}`.length).toBe(50 * 1024 * 1024)
  })

  it('takes no more when too much waits for the server, and again when it has read', async () => {
    let release: (() => void) | undefined
    const { stream } = await begin(
      mcp((asked, answer) => {
        release = () => json(answer, result(asked))
      }),
      { limits: { maxWaiting: 1000 } },
    )
    await stream.initialize()
    const first = stream.ask(1, 'tools/call', { text: 'x'.repeat(2000) })
    expect(() => stream.tell('notifications/own')).toThrow('not taken')
    await vi.waitFor(() => expect(release).toBeDefined(), FINALLY)
    release?.()
    await first
    expect(() => stream.tell('notifications/own')).not.toThrow()
  })

  it('counts what could not be delivered no longer', async () => {
    const { stream } = await begin(
      mcp((_asked, answer) => answer.destroy()),
      { limits: { maxWaiting: 1000 } },
    )
    await stream.initialize()
    for (const id of [1, 2, 3]) {
      const { error } = await stream.ask(id, 'tools/call', { text: 'x'.repeat(2000) })
      expect(error?.data).toMatchObject({ code: 'connection-lost' })
      await vi.waitFor(() => stream.tell('notifications/own'), FINALLY)
    }
  })

  it('refuses more requests than may be under way, and leaves the others alone', async () => {
    const waiting: (() => void)[] = []
    const { server, stream } = await begin(
      mcp((asked, answer) => waiting.push(() => json(answer, result(asked)))),
      { limits: { maxOpen: 3 } },
    )
    await stream.initialize()
    await vi.waitFor(() => expect(stream.debug).toHaveLength(1), FINALLY)
    const calls = [1, 2, 3, 4].map((id) => stream.ask(id, 'tools/call'))
    expect((await calls[3])?.error?.data).toMatchObject({ code: 'too-many-requests' })
    await vi.waitFor(() => expect(waiting).toHaveLength(3), FINALLY)
    // What calls may be waiting for still passes.
    stream.send(JSON.stringify({ jsonrpc: '2.0', id: 'of the server', result: {} }))
    await vi.waitFor(() => expect(server.asked.at(-1)?.message).toMatchObject({ id: 'of the server' }), FINALLY)
    for (const release of waiting) release()
    for (const call of calls.slice(0, 3)) expect((await call).result).toEqual({})
  })

  it('gives up a stream of the server that ends as soon as it is opened, and says so once', async () => {
    let gets = 0
    const { stream } = await begin(
      (asked, answer) => {
        if (asked.method === 'GET' && ++gets > 0) events(answer).end()
        else mcp((each, open) => json(open, result(each)))(asked, answer)
      },
      { limits: { reconnects: 2 } },
    )
    await stream.initialize()
    await vi.waitFor(() => expect(stream.logged).toHaveLength(1), FINALLY)
    expect(stream.logged[0]).toContain('ends as soon as it is opened')
    expect(gets).toBe(3)
    expect((await stream.ask(1, 'tools/list')).result).toEqual({})
  })

  it('is over when a server that had a stream is gone', async () => {
    const { server, stream } = await begin(
      (asked, answer) => {
        if (asked.method === 'GET') events(answer)
        else mcp(() => {})(asked, answer)
      },
      { limits: { reconnects: 2 } },
    )
    await stream.initialize()
    await vi.waitFor(() => expect(server.open.size).toBe(1), FINALLY)
    await server.close()
    expect((await stream.exited).reason).toMatch(/^it is gone: 2 attempts to reach it have failed\. .*ECONNREFUSED/)
  })

  it('is over when the server says too much by itself', async () => {
    const { stream } = await begin(
      (asked, answer) => {
        if (asked.method === 'GET') events(answer).write(`data: ${'x'.repeat(5000)}`)
        else mcp(() => {})(asked, answer)
      },
      { limits: { maxMessage: 1000 } },
    )
    await stream.initialize()
    expect((await stream.exited).reason).toContain('longer than 1000 bytes')
  })
})

describe('nothing is left open by a session', () => {
  let before: Record<string, number>
  // Without vi.waitFor, which has timers of its own.
  afterEach(async () => {
    const until = performance.now() + FINALLY.timeout
    while (beyond(before).length > 0 && performance.now() < until) await nextTurn()
    expect(beyond(before)).toEqual([])
  })

  it('that is stopped with streams and calls under way', async () => {
    before = held()
    const { server, stream } = await begin((asked, answer) => {
      if (asked.method === 'GET' || asked.message?.method === 'tools/call') events(answer)
      else mcp((each, open) => json(open, result(each)))(asked, answer)
    })
    await stream.initialize()
    const calls = [1, 2, 3].map((id) => stream.ask(id, 'tools/call'))
    await vi.waitFor(() => expect(server.open.size).toBe(4), FINALLY)
    await Promise.all([stream.stop({ graceMs: 1000 }), stream.stop({ graceMs: 1000 })])
    for (const call of calls) expect((await call).error?.data).toMatchObject({ code: 'server-ended' })
    expect(await stream.exited).toEqual({ reason: 'it was stopped' })
    expect(server.asked.filter(({ method }) => method === 'DELETE')).toHaveLength(1)
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), FINALLY)
    await server.close()
  })

  it('whose server does not answer the goodbye', async () => {
    before = held()
    const { server, stream } = await begin((asked, answer) => {
      if (asked.method !== 'DELETE') mcp(() => {})(asked, answer)
    })
    await stream.initialize()
    await stream.stop({ graceMs: 20 })
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), FINALLY)
    await server.close()
  })

  it('that ends while it connects', async () => {
    before = held()
    const sockets = new Set<Socket>()
    const mute = createServer((socket) => sockets.add(socket.resume())).listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const address = mute.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const stop = new AbortController()
    // TLS to who says nothing: the connection never stands.
    const stream = streamTo(new URL(`https://127.0.0.1:${port}/mcp`), { signal: stop.signal })
    const call = stream.ask(1, 'initialize', INITIALIZE)
    await vi.waitFor(() => expect(sockets.size).toBe(1), FINALLY)
    stop.abort()
    expect((await call).error?.data).toMatchObject({ code: 'server-ended' })
    await stream.exited
    const [socket] = sockets
    await vi.waitFor(() => expect(socket?.readableEnded || socket?.destroyed).toBe(true), FINALLY)
    for (const each of sockets) each.destroy()
    mute.close()
    await once(mute, 'close')
  })

  it('that is stopped long after the signal of its beginning', async () => {
    before = held()
    const beginning = new AbortController()
    const { server, stream } = await begin(
      mcp((asked, answer) => json(answer, result(asked))),
      { signal: beginning.signal },
    )
    await stream.initialize()
    beginning.abort()
    expect((await stream.ask(1, 'tools/list')).result).toEqual({})
    await stream.stop({ graceMs: 1000 })
    await server.close()
  })

  it('that ends while it waits for its server to start', async () => {
    before = held()
    const stream = streamTo(new URL('http://127.0.0.1:9/mcp'), { startupMs: 60_000 })
    const call = stream.ask(1, 'initialize', INITIALIZE)
    await stream.stop({ graceMs: 1000 })
    expect((await call).error).toMatchObject({ data: { code: 'server-ended' } })
  })

  it('that never began', async () => {
    before = held()
    const stream = streamTo(new URL('http://127.0.0.1:9/mcp'))
    await stream.stop({ graceMs: 1000 })
    expect(stream.send('{}')).toBe(false)
    const aborted = streamTo(new URL('http://127.0.0.1:9/mcp'), { signal: AbortSignal.abort() })
    expect(await aborted.exited).toEqual({ reason: 'it was stopped' })
  })

  it('of two hundred that come and go', async () => {
    before = held()
    const { server } = await begin((asked, answer) => {
      if (asked.method === 'GET') events(answer)
      else mcp(() => {})(asked, answer)
    })
    for (let round = 0; round < 10; round++) {
      const streams = Array.from({ length: 20 }, () => streamTo(server.url))
      for (const { error } of await Promise.all(streams.map((each) => each.initialize()))) expect(error).toBeUndefined()
      await Promise.all(streams.map((each) => each.stop({ graceMs: 5000 })))
    }
    await vi.waitFor(async () => expect(await server.connections()).toBe(0), FINALLY)
    await server.close()
  })
})
