import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { JsonValue } from '../../domain/kernel/json.ts'
import { BEARER, FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { type Local, openSession, post, startLocal } from '../testing/local.ts'
import { type RawStream, readResponse, readStream } from '../testing/raw-stream.ts'
import type { EndpointLimits } from './limits.ts'

const running: Local[] = []
afterEach(async () => {
  for (const local of running.splice(0)) await local.close()
})

const start = async (server: FakeServer, limits: Partial<EndpointLimits> = {}) => {
  const local = await startLocal(new FakeMcpd().project('demo', { servers: [server] }), { limits })
  running.push(local)
  const url = local.endpoint('demo')
  const session = await openSession(url)
  const listen = (): Promise<RawStream> => readStream(url, session)
  const call = (headers: Record<string, string> = {}) =>
    post(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } }, { ...session, ...headers })
  return { local, url, session, listen, call }
}

const log = (data: JsonValue) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } })

describe('a stream of the session', () => {
  it('begins with what came while there was none', async () => {
    const server = new FakeServer('a')
    const { listen } = await start(server)
    server.notify('notifications/message', { level: 'info', data: 1 })
    server.notify('notifications/message', { level: 'info', data: 2 })
    const stream = await listen()
    await vi.waitFor(() => expect(stream.messages()).toEqual([log(1), log(2)]))
  })

  it('begins with it also when much was sent on other streams meanwhile', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', ({ notify }) => {
      for (let n = 0; n < 10; n++) notify('notifications/message', { level: 'info', data: n })
      return {}
    })
    const { listen, call } = await start(server, { keptEvents: 5 })
    server.send({ jsonrpc: '2.0', id: 'q', method: 'elicitation/create', params: { message: 'who?' } })
    await (await call()).text()
    const stream = await listen()
    await vi.waitFor(() => expect(stream.messages()).toMatchObject([{ method: 'elicitation/create' }]))
  })

  it('gets each message alone, if it is the newest of several', async () => {
    const server = new FakeServer('a')
    const { listen } = await start(server)
    const [older, newer] = [await listen(), await listen()]
    server.notify('notifications/message', { level: 'info', data: 1 })
    await vi.waitFor(() => expect(newer.messages()).toEqual([log(1)]))
    newer.close()
    await vi.waitFor(() => {
      server.notify('notifications/message', { level: 'info', data: 2 })
      expect(older.messages()).toContainEqual(log(2))
    })
    expect(older.messages()).not.toContainEqual(log(1))
  })

  it('gets the progress of a task whose call was answered on a stream of its own', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', ({ params, notify }) => {
      const { progressToken } = params._meta as { progressToken: number }
      setTimeout(() => notify('notifications/progress', { progressToken, progress: 1 }), 50)
      return { task: { taskId: 't', status: 'working' } }
    })
    const { url, session, listen } = await start(server)
    const [heard, headers] = [await listen(), { ...session, Accept: 'text/event-stream, application/json' }]
    const params = { name: 'a__x', _meta: { progressToken: 'mine' }, task: {} }
    const call = readResponse(await post(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, headers))
    await vi.waitFor(() => expect(call.messages()).toMatchObject([{ id: 1, result: { task: { taskId: 't' } } }]))
    await vi.waitFor(() => expect(heard.messages()).toMatchObject([{ params: { progressToken: 'mine', progress: 1 } }]))
  })

  it('is ended, the oldest first, when there are too many', async () => {
    const { listen } = await start(new FakeServer('a'), { streams: 2 })
    const streams = [await listen(), await listen(), await listen()]
    await vi.waitFor(() => expect(streams.map((stream) => stream.isOpen())).toEqual([false, true, true]))
  })

  it('shows that it lives while nothing comes', async () => {
    const { listen } = await start(new FakeServer('a'), { heartbeatMs: 10 })
    const stream = await listen()
    await vi.waitFor(() => expect(stream.text()).toMatch(/(: still here\n\n){2,}$/))
  })

  it('ends with the session', async () => {
    const { listen, url, session } = await start(new FakeServer('a'))
    const stream = await listen()
    await fetch(url, { method: 'DELETE', headers: { Authorization: `Bearer ${BEARER}`, ...session } })
    await vi.waitFor(() => expect(stream.isOpen()).toBe(false))
  })
})

describe('the answer to a call', () => {
  const logging = () =>
    new FakeServer('a').tools('x').on('tools/call', ({ notify }) => {
      notify('notifications/message', { level: 'info', data: 'working' })
      return { content: [] }
    })

  it('is JSON when nothing comes before it', async () => {
    const { call } = await start(new FakeServer('a').tools('x').on('tools/call', () => ({ content: [] })))
    const response = await call()
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } })
  })

  it('comes as a stream after what the server says while it works', async () => {
    const { call, listen } = await start(logging())
    const stream = await listen()
    const response = await call()
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const answer = readResponse(response)
    await vi.waitFor(() => expect(answer.isOpen()).toBe(false))
    expect(answer.messages()).toEqual([log('working'), { jsonrpc: '2.0', id: 1, result: { content: [] } }])
    expect(stream.messages()).toEqual([])
  })

  it('is JSON for a client that takes nothing else; the rest goes to its stream', async () => {
    const { call, listen } = await start(logging())
    const stream = await listen()
    expect(await (await call({ Accept: 'application/json' })).json()).toMatchObject({ result: { content: [] } })
    await vi.waitFor(() => expect(stream.messages()).toEqual([log('working')]))
  })

  it('is an error when a server nests it deeper than anything can write', async () => {
    let deep: JsonValue = 1
    for (let i = 0; i < 20_000; i++) deep = [deep]
    const server = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { call, local } = await start(server)
    const response = call()
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    const id = server.got.find(({ method }) => method === 'tools/call')?.id ?? 0
    local.mcpd.inject({ type: 'message', server: 'a', message: { jsonrpc: '2.0', id, result: { deep } } })
    expect(await (await response).json()).toMatchObject({ id: 1, error: { code: -32603 } })
  })

  it('is for nobody when the client has gone; the session goes on', async () => {
    let answer = (): void => {}
    const server = new FakeServer('a').tools('x').on(
      'tools/call',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ content: [] })
        }),
    )
    const { url, session, local } = await start(server)
    const socket = await rawPost(url, session)
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    socket.destroy()
    answer()
    const ping = await post(url, { jsonrpc: '2.0', id: 2, method: 'ping' }, session)
    expect(await ping.json()).toEqual({ jsonrpc: '2.0', id: 2, result: {} })
    expect(local.logger.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('that nobody takes ends the connection', async () => {
    const text = 'x'.repeat(20_000_000)
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ content: [{ type: 'text', text }] }))
    const { url, session } = await start(server, { stallMs: 50 })
    const socket = await rawPost(url, session)
    socket.pause()
    // The end of the connection shows when we write to it: it is answered with a reset.
    const ended = new Promise((resolve) => socket.once('close', resolve))
    const prod = setInterval(() => socket.write(' '), 50)
    await ended
    clearInterval(prod)
    expect(socket.bytesRead).toBeLessThan(text.length)
  }, 10_000)
})

/** Sends a call over a connection of its own, whose answer the test reads or does not. */
const rawPost = async (url: URL, session: Record<string, string>): Promise<Socket> => {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } })
  const headers = {
    Host: url.host,
    Authorization: `Bearer ${BEARER}`,
    'Content-Type': 'application/json',
    Accept: 'application/json',
    'Content-Length': body.length,
    ...session,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const socket = connect(Number(url.port), url.hostname)
  socket.on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve))
  socket.write(`POST ${url.pathname} HTTP/1.1\r\n${lines.join('')}\r\n${body}`)
  return socket
}

describe('the answer of a client', () => {
  const asking = () => {
    const answers: unknown[] = []
    const server = new FakeServer('a').tools('x').on('tools/call', async ({ ask }) => {
      answers.push((await ask('roots/list', {})).result)
      return { content: [] }
    })
    return { server, answers }
  }
  const roots = (id: unknown, uri: string) => ({ jsonrpc: '2.0', id, result: { roots: [{ uri }] } })

  it('is taken from the session that was asked only, once, and from none that was not', async () => {
    const { server, answers } = asking()
    const { url, session, call, listen } = await start(server)
    await listen()
    const other = await openSession(url)
    const stream = readResponse(await call())
    await vi.waitFor(() => expect(stream.messages()).toMatchObject([{ method: 'roots/list' }]))
    const { id } = stream.messages()[0] ?? {}
    const say = async (message: object, headers: Record<string, string>) => (await post(url, message, headers)).status
    expect(await say(roots(id, 'file:///theirs'), other)).toBe(202)
    expect(await say(roots(999, 'file:///unasked'), session)).toBe(202)
    expect(await say(roots(id, 'file:///mine'), session)).toBe(202)
    expect(await say(roots(id, 'file:///again'), session)).toBe(202)
    await vi.waitFor(() => expect(stream.isOpen()).toBe(false))
    expect(answers).toEqual([{ roots: [{ uri: 'file:///mine' }] }])
  })
})

describe('closing the endpoint', () => {
  it('waits for calls under way, ends streams and links, and frees the port', async () => {
    let answer = (): void => {}
    const server = new FakeServer('a').tools('x').on(
      'tools/call',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ content: [] })
        }),
    )
    const { call, listen, local, url } = await start(server)
    const stream = await listen()
    const response = call()
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    const closed = local.local.close()
    answer()
    expect(await (await response).json()).toMatchObject({ result: { content: [] } })
    await closed
    await vi.waitFor(() => expect([stream.isOpen(), local.mcpd.links, local.local.sessions()]).toEqual([false, 0, 0]))
    await expect(fetch(url)).rejects.toThrow()
    await vi.waitFor(() => expect(process.getActiveResourcesInfo()).not.toContain('TCPServerWrap'))
    running.length = 0
  })

  it('ends calls that take longer than it waits with an error', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { call, local } = await start(server, { drainMs: 20 })
    const response = call()
    await vi.waitFor(() => expect(server.methods()).toContain('tools/call'))
    await local.local.close()
    expect(await (await response).json()).toMatchObject({ error: { data: { code: 'session-ended' } } })
    running.length = 0
  })
})
