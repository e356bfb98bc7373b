import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { BEARER, FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { keptLogger } from '../testing/kept-logger.ts'
import { initializeRequest } from '../testing/local.ts'
import { runStdio } from './run-stdio.ts'

interface Answer {
  readonly id?: unknown
  readonly method?: string
  readonly result?: { readonly [key: string]: unknown }
  readonly error?: { readonly code: number; readonly message: string }
}

const start = (mcpd: FakeMcpd, bearer = BEARER) => {
  const [stdin, stdout, stop] = [new PassThrough(), new PassThrough(), new AbortController()]
  let text = ''
  stdout.on('data', (data) => {
    text += String(data)
  })
  const done = runStdio({
    dialer: mcpd,
    project: 'demo',
    bearer,
    stdin,
    stdout,
    signal: stop.signal,
    logger: keptLogger(),
  })
  done.catch(() => {}) // each test looks at it
  const lines = (): Answer[] =>
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  const say = (...messages: unknown[]) => {
    for (const message of messages) stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`)
  }
  return { stdin, stdout, stop, done, lines, say }
}

/** The two ends of one connection. */
const socketPair = async (): Promise<[Socket, Socket]> => {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const far = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [near] = (await accepted) as [Socket]
  server.close()
  return [near, far]
}

const call = (id: number, name: string) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name } })

describe('a session over stdio', () => {
  it('answers each line with a line, until stdin ends', async () => {
    const mcpd = new FakeMcpd().project('demo', { servers: [new FakeServer('a').tools('x')] })
    const { stdin, done, lines, say } = start(mcpd)
    say(initializeRequest, { jsonrpc: '2.0', method: 'notifications/initialized' }, call(1, 'a__x'))
    stdin.end()
    await done
    expect(lines().map(({ id, error }) => [id, error?.code])).toEqual([
      ['init', undefined],
      [1, undefined],
    ])
    expect(mcpd.links).toBe(0)
  })

  it('passes progress before the answer', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', ({ params, notify }) => {
      const { progressToken } = params._meta as { progressToken: number }
      notify('notifications/progress', { progressToken, progress: 1 })
      return { content: [] }
    })
    const { stdin, done, lines, say } = start(new FakeMcpd().project('demo', { servers: [server] }))
    say(initializeRequest, { ...call(1, 'a__x'), params: { name: 'a__x', _meta: { progressToken: 'mine' } } })
    stdin.end()
    await done
    expect(lines().slice(1)).toEqual([
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'mine', progress: 1 } },
      { jsonrpc: '2.0', id: 1, result: { content: [] } },
    ])
  })

  it('goes on after lines that are no messages', async () => {
    const { stdin, done, lines, say } = start(new FakeMcpd().project('demo', { servers: [] }))
    say(
      'rubbish',
      '',
      '[]',
      `"${'x'.repeat(5 * 1024 * 1024)}"`,
      { jsonrpc: '2.0', id: 9, method: 'ping' },
      initializeRequest,
    )
    stdin.end()
    await done
    expect(lines().map(({ id, error }) => [id, error?.code])).toEqual([
      [null, -32700],
      [null, -32600],
      [null, -32600],
      [9, undefined],
      ['init', undefined],
    ])
  })

  it('cancels a call: its server hears of it, and nothing is answered', async () => {
    const hung = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { stdin, done, lines, say } = start(new FakeMcpd().project('demo', { servers: [hung] }))
    say(initializeRequest, call(1, 'a__x'))
    await vi.waitFor(() => expect(hung.methods()).toContain('tools/call'))
    say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await vi.waitFor(() => expect(hung.methods()).toContain('notifications/cancelled'))
    say({ jsonrpc: '2.0', id: 2, method: 'ping' })
    stdin.end()
    await done
    expect(lines().map(({ id }) => id)).toEqual(['init', 2])
  })

  it('answers the batch of a client of 2025-03-26 with one, and refuses that of any other', async () => {
    const batch = [call(1, 'a__x'), { jsonrpc: '2.0', id: 2, method: 'ping' }, 5, { jsonrpc: '2.0', method: 'x' }]
    const spoken = async (protocolVersion: string) => {
      const servers = [new FakeServer('a').tools('x')]
      const { stdin, done, lines, say } = start(new FakeMcpd().project('demo', { servers }))
      say({ ...initializeRequest, params: { ...initializeRequest.params, protocolVersion } }, batch)
      stdin.end()
      await done
      return lines()[1]
    }
    expect(await spoken('2025-03-26')).toMatchObject([
      { id: null, error: { code: -32600 } },
      { id: 2, result: {} },
      { id: 1, result: {} },
    ])
    expect(await spoken('2025-06-18')).toMatchObject({ id: null, error: { code: -32600 } })
  })

  it('wants initialize first', async () => {
    const { stdin, done, lines, say } = start(new FakeMcpd().project('demo', { servers: [] }))
    say(call(1, 'x'))
    stdin.end()
    await done
    expect(lines()).toMatchObject([
      { id: 1, error: { code: -32600, message: 'Invalid request: initialize comes first' } },
    ])
  })

  it('tells the client why mcpd refuses, and then ends with that error', async () => {
    const { done, lines, say } = start(new FakeMcpd().project('demo', { servers: [] }), 'wrong')
    say(initializeRequest)
    await expect(done).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
    expect(lines()).toMatchObject([{ id: 'init', error: { message: 'the token is not valid' } }])
  })

  it('ends at once when it is told to, calls under way included', async () => {
    const hung = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const mcpd = new FakeMcpd().project('demo', { servers: [hung] })
    const { stop, done, lines, say } = start(mcpd)
    say(initializeRequest, call(1, 'a__x'))
    await vi.waitFor(() => expect(hung.methods()).toContain('tools/call'))
    stop.abort()
    await done
    expect(lines().at(-1)).toMatchObject({ id: 1, error: { code: -32000 } })
    expect(mcpd.links).toBe(0)
  })

  it('ends when the client no longer reads', async () => {
    const { stdout, done, say } = start(new FakeMcpd().project('demo', { servers: [] }))
    say(initializeRequest)
    stdout.destroy()
    await done
  })

  it('ends when the client does not read what is written, and keeps little of it', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ text: 'x'.repeat(1024 * 1024) }))
    const [stdin, stdout] = [new PassThrough(), new PassThrough()]
    const mcpd = new FakeMcpd().project('demo', { servers: [server] })
    const { signal } = new AbortController()
    const options = { dialer: mcpd, project: 'demo', bearer: BEARER, stdin, stdout, signal, logger: keptLogger() }
    const done = runStdio(options)
    stdin.write(`${JSON.stringify(initializeRequest)}\n`)
    for (let id = 0; id < 50; id++) stdin.write(`${JSON.stringify(call(id, 'a__x'))}\n`)
    await done
    expect(stdout.writableLength).toBeLessThan(20 * 1024 * 1024)
    expect(mcpd.links).toBe(0)
  })

  it('takes an answer of any length to a client that reads', async () => {
    const text = 'x'.repeat(17 * 1024 * 1024)
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ text }))
    const mcpd = new FakeMcpd().project('demo', { servers: [server] })
    const [near, far] = await socketPair()
    const { signal } = new AbortController()
    const logger = keptLogger()
    const done = runStdio({ dialer: mcpd, project: 'demo', bearer: BEARER, stdin: near, stdout: near, signal, logger })
    const ids: unknown[] = []
    const reading = (async () => {
      for await (const line of createInterface(far)) {
        ids.push(JSON.parse(line).id)
        if (ids.length === 2) far.write(`${JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'ping' })}\n`)
        if (ids.length === 3) far.end()
      }
    })()
    far.write(`${JSON.stringify(initializeRequest)}\n${JSON.stringify(call(1, 'a__x'))}\n`)
    await done
    near.end()
    await reading
    expect(ids).toEqual(['init', 1, 2])
  })

  it('ends with an error when the right to the project is gone', async () => {
    const mcpd = new FakeMcpd().project('demo', { servers: [] })
    const { done, lines, say } = start(mcpd)
    say(initializeRequest)
    await vi.waitFor(() => expect(lines()).toHaveLength(1))
    mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    await expect(done).rejects.toMatchObject({ code: 'session-ended', message: expect.stringContaining('revoked') })
  })
})
