import { connect, type Socket } from 'node:net'
import { CreateMessageRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Link, RpcMessage } from '../../domain/mcp/link.ts'
import { BEARER } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { openFeed } from '../testing/feed.ts'
import { initializeRequest, type Local, openSession, post, startDemo } from '../testing/local.ts'
import type { TrafficRecord } from './feed.ts'

const shownOf = ({ side, direction, server, method, id }: TrafficRecord) =>
  [side, direction === 'to-server' ? '→' : '←', server ?? '-', method ?? '-', id ?? '-'].join(' ')

const inspect = (local: Local, init: RequestInit = {}) =>
  fetch(`${local.local.url}/projects/demo/inspect`, {
    ...init,
    headers: { Authorization: `Bearer ${BEARER}`, Accept: 'text/event-stream', ...init.headers },
  })

describe('the feed', () => {
  it('shows both sides of a call, matched, with names and ids as each side has them', async () => {
    const server = new FakeServer('a').tools('read').on('tools/call', ({ params, notify }) => {
      const { progressToken } = params._meta as { progressToken: number }
      notify('notifications/progress', { progressToken, progress: 1 })
      return { content: [{ type: 'text', text: 'done' }] }
    })
    const local = await startDemo([server, new FakeServer('b').tools('write')])
    const { client } = await local.client()
    await client.listTools()
    const feed = await openFeed(local)
    await client.callTool({ name: 'a__read', arguments: { path: '/x' } }, undefined, { onprogress: () => {} })
    await vi.waitFor(() => expect(feed.messages()).toHaveLength(6))
    const own = feed.messages()[0]?.id
    expect(feed.messages().map(shownOf)).toEqual([
      `client → - tools/call ${own}`,
      'server → a tools/call 3',
      'server ← a notifications/progress -',
      'client ← a notifications/progress -',
      'server ← a tools/call 3',
      `client ← a tools/call ${own}`,
    ])
    const [asked, sent, , , , answered] = feed.messages()
    expect(asked?.message?.params).toMatchObject({ name: 'a__read', arguments: { path: '/x' } })
    expect(sent?.message?.params).toMatchObject({ name: 'read', arguments: { path: '/x' } })
    expect(answered).toMatchObject({ outcome: 'ok', ms: expect.any(Number), message: { result: { content: [{}] } } })
    expect(feed.messages().map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6])
  })

  it('shows what a server asks the client, and the answer to it', async () => {
    const server = new FakeServer('a').tools('x').on('tools/call', async ({ ask }) => {
      await ask('sampling/createMessage', { messages: [], maxTokens: 1 })
      return { content: [] }
    })
    const local = await startDemo([server])
    const { client } = await local.client('demo', { sampling: {} })
    const content = { type: 'text', text: 'sampled' } as const
    client.setRequestHandler(CreateMessageRequestSchema, () => ({ model: 'm', role: 'assistant', content }))
    const feed = await openFeed(local)
    await client.callTool({ name: 'a__x' })
    await vi.waitFor(() => {
      const seen = feed.messages().filter(({ method }) => method === 'sampling/createMessage')
      expect(seen.map(shownOf)).toEqual([
        'server ← a sampling/createMessage a-1',
        'client ← a sampling/createMessage 1',
        'client → - sampling/createMessage 1',
        'server → a sampling/createMessage a-1',
      ])
    })
  })

  it('shows sessions that come and go, and the servers of the project', async () => {
    const b = new FakeServer('b')
    const local = await startDemo([new FakeServer('a'), b])
    await local.client()
    const feed = await openFeed(local)
    expect(feed.events[0]).toMatchObject({
      event: 'hello',
      data: { project: 'demo', sessions: [{ client: 'test 1' }] },
    })
    expect(feed.events[1]).toEqual({
      event: 'project',
      data: {
        servers: [
          { name: 'a', state: 'ready' },
          { name: 'b', state: 'ready' },
        ],
      },
    })
    const id = (await openSession(local.endpoint('demo')))['Mcp-Session-Id']
    await fetch(local.endpoint('demo'), {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${BEARER}`, 'Mcp-Session-Id': id },
    })
    b.state = 'unavailable'
    b.reason = 'it crashed'
    local.mcpd.update('demo')
    await vi.waitFor(() =>
      expect(feed.events.filter(({ event }) => event !== 'message').slice(2)).toMatchObject([
        { event: 'session', data: { session: id.slice(0, 8), client: 'raw 1', state: 'open' } },
        { event: 'session', data: { session: id.slice(0, 8), state: 'ended', reason: expect.any(String) } },
        { event: 'project', data: { servers: [{}, { name: 'b', state: 'unavailable', reason: 'it crashed' }] } },
      ]),
    )
    expect(feed.messages().slice(0, 2).map(shownOf)).toEqual([
      'client → - initialize init',
      'client ← - initialize init',
    ])
    expect(JSON.stringify(feed.events)).not.toContain(id)
  })

  it('shows a refused request with its answer', async () => {
    const local = await startDemo([new FakeServer('a')])
    const session = await openSession(local.endpoint('demo'))
    const feed = await openFeed(local)
    await post(local.endpoint('demo'), { ...initializeRequest, id: 7 }, session)
    await vi.waitFor(() => expect(feed.messages()).toHaveLength(2))
    expect(feed.messages()[1]).toMatchObject({ method: 'initialize', id: 7, outcome: 'error' })
  })

  it('goes on, and so does all else, after a message that cannot be shown', async () => {
    const server = new FakeServer('a').tools('x')
    const local = await startDemo([server])
    const { client } = await local.client()
    const feed = await openFeed(local)
    let method: unknown = 'x'
    for (let depth = 0; depth < 50_000; depth++) method = [method]
    server.send({ jsonrpc: '2.0', method } as RpcMessage)
    await client.callTool({ name: 'a__x' })
    await vi.waitFor(() => expect(feed.messages().at(-1)).toMatchObject({ method: 'tools/call', outcome: 'ok' }))
  })

  it('goes on while mcpd is away, and says so', async () => {
    const local = await startDemo([new FakeServer('a')])
    const feed = await openFeed(local)
    local.mcpd.breakLinks()
    await vi.waitFor(() =>
      expect(feed.events.filter(({ event }) => event === 'link')).toMatchObject([
        { data: { state: 'lost', reason: 'mcpd went away' } },
        { data: { state: 'up' } },
      ]),
    )
  })

  it('ends when mcplocal stops', async () => {
    const local = await startDemo([])
    const feed = await openFeed(local)
    await local.local.close()
    await vi.waitFor(() => expect(feed.isOver()).toBe(true))
    expect(feed.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'stopping' } })
  })
})

describe('who may see it', () => {
  it('nobody without a bearer, with one that mcpd does not know, for another project, or by another method', async () => {
    const local = await startDemo([new FakeServer('a')])
    const status = async (init: RequestInit, path = 'demo') =>
      (await fetch(`${local.local.url}/projects/${path}/inspect`, init)).status
    const headers = { Authorization: `Bearer ${BEARER}`, Accept: 'text/event-stream' }
    expect(await status({})).toBe(401)
    expect(await status({ headers: { ...headers, Authorization: 'Bearer wrong' } })).toBe(401)
    expect(await status({ headers }, 'other')).toBe(404)
    expect(await status({ method: 'POST', headers })).toBe(405)
    expect(await status({ headers: { ...headers, Accept: 'application/json' } })).toBe(406)
    local.mcpd.down = new Error('nobody there')
    expect(await status({ headers })).toBe(503)
    expect(local.mcpd.links).toBe(0)
  })

  it('the same bearer only: another one that may use the project sees nothing of it', async () => {
    const local = await startDemo([new FakeServer('a').tools('x')])
    local.mcpd.bearers.add('another')
    const { client } = await local.client()
    const [own, other] = [await openFeed(local), await openFeed(local, 'another')]
    await client.callTool({ name: 'a__x' })
    await openSession(local.endpoint('demo'))
    await vi.waitFor(() => expect(own.messages().length).toBeGreaterThan(5))
    const theirs = { Authorization: 'Bearer another' }
    await post(local.endpoint('demo'), initializeRequest, theirs)
    await vi.waitFor(() => expect(other.messages()).toHaveLength(2))
    expect(other.events[0]).toMatchObject({ event: 'hello', data: { sessions: [] } })
    expect(new Set(own.messages().map(({ session }) => session))).not.toContain(other.messages()[0]?.session)
  })

  it('until mcpd takes the right away', async () => {
    const local = await startDemo([new FakeServer('a').tools('x')])
    const feed = await openFeed(local)
    local.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    await vi.waitFor(() => expect(feed.isOver()).toBe(true))
    expect(feed.events.at(-1)).toEqual({ event: 'end', data: { code: 'revoked', reason: 'the token was revoked' } })
  })

  it('also when that happens as soon as the feed is let in', async () => {
    const revokedAtOnce = (): Link => {
      let onClose: Parameters<Link['onClose']>[0] = () => {}
      return {
        send() {},
        close() {},
        onClose(listener) {
          onClose = listener
        },
        onFrame(listener) {
          listener({ type: 'project', project: { name: 'demo', namespacing: 'always', servers: [] } })
          queueMicrotask(() => onClose({ code: 'revoked', reason: 'the token was revoked' }))
        },
      }
    }
    const local = await startDemo([], {}, { dialer: { dial: async () => revokedAtOnce() } })
    const feed = await openFeed(local)
    await vi.waitFor(() => expect(feed.isOver()).toBe(true))
    expect(feed.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'revoked' } })
  })

  it('also when that happens while mcpd was away', async () => {
    const local = await startDemo([new FakeServer('a').tools('x')])
    const feed = await openFeed(local)
    local.mcpd.bearers.clear()
    local.mcpd.breakLinks()
    await vi.waitFor(() => expect(feed.isOver()).toBe(true))
    expect(feed.events.at(-1)).toMatchObject({ event: 'end', data: { code: 'revoked' } })
  })

  it('no more watchers than there may be', async () => {
    const local = await startDemo([], {}, { inspectorLimits: { watchers: 2 } })
    const feeds = [await openFeed(local), await openFeed(local)]
    expect((await inspect(local)).status).toBe(503)
    feeds[0]?.close()
    await vi.waitFor(async () => {
      const again = await openFeed(local)
      expect(again.response.status).toBe(200)
    })
  })
})

describe('what is kept', () => {
  it('is nothing while nobody watches: neither listeners, links nor messages', async () => {
    const local = await startDemo([new FakeServer('a').tools('x')])
    const { client } = await local.client()
    await client.callTool({ name: 'a__x', arguments: { secret: 'before' } })
    const feed = await openFeed(local)
    await client.callTool({ name: 'a__x', arguments: { secret: 'during' } })
    await vi.waitFor(() => expect(JSON.stringify(feed.messages())).toContain('during'))
    feed.close()
    await vi.waitFor(() => expect(local.mcpd.links).toBe(1))
    await client.callTool({ name: 'a__x', arguments: { secret: 'after' } })
    const again = await openFeed(local)
    await client.callTool({ name: 'a__x', arguments: { secret: 'now' } })
    await vi.waitFor(() => expect(JSON.stringify(again.messages())).toContain('now'))
    expect(JSON.stringify(again.events)).not.toMatch(/before|during|after/)
    expect(again.messages()[0]?.seq).toBe(1)
    expect(JSON.stringify(local.logger.lines)).not.toMatch(/before|during|after|now/)
  })

  it('is what others have seen last, for one that joins them', async () => {
    const local = await startDemo([new FakeServer('a').tools('x')], {}, { inspectorLimits: { ringMessages: 3 } })
    const first = await openFeed(local)
    await openSession(local.endpoint('demo'))
    await openSession(local.endpoint('demo'))
    await vi.waitFor(() => expect(first.messages()).toHaveLength(4))
    const second = await openFeed(local)
    expect(second.messages().map(({ seq }) => seq)).toEqual([2, 3, 4])
  })
})

describe('a watcher that does not read', () => {
  it('is told how many messages it has missed, and the others miss none', async () => {
    const text = 'x'.repeat(100_000)
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ content: [{ type: 'text', text }] }))
    const local = await startDemo(
      [server],
      {},
      { inspectorLimits: { watcherBytes: 2_000_000 }, limits: { heartbeatMs: 20 } },
    )
    const { client } = await local.client()
    const quick = await openFeed(local)
    const slow = await stuckFeed(local)
    for (let i = 1; i <= 200; i += 1) {
      await client.callTool({ name: 'a__x' })
      // One process does all of it: without a pause nobody would read.
      await vi.waitFor(() => expect(quick.messages().length).toBeGreaterThanOrEqual(4 * i), { interval: 2 })
    }
    expect(quick.events.filter(({ event }) => event === 'lost')).toEqual([])
    let read = ''
    slow.setEncoding('utf8').on('data', (chunk: string) => {
      read += chunk
    })
    slow.resume()
    await vi.waitFor(() => expect(read.includes('event: lost\n')).toBe(true), 10_000)
    const lost = [...read.matchAll(/event: lost\ndata: \{"count":(\d+)\}/g)].reduce((sum, [, n]) => sum + Number(n), 0)
    await client.callTool({ name: 'a__x' })
    const last = () => quick.messages().at(-1)?.seq ?? 0
    await vi.waitFor(() => expect(read.split('event: message\n').length - 1 + lost).toBe(last()), 10_000)
  })
})

/** The connection of a feed that is opened and not read: what would come is an answer of HTTP, as it is. */
const stuckFeed = (local: Local): Promise<Socket> =>
  new Promise((resolve) => {
    const socket = connect(local.local.port, '127.0.0.1', () =>
      socket.write(
        `GET /projects/demo/inspect HTTP/1.1\r\nHost: 127.0.0.1:${local.local.port}\r\nAuthorization: Bearer ${BEARER}\r\nAccept: text/event-stream\r\n\r\n`,
      ),
    )
    onTestFinished(() => void socket.destroy())
    socket.once('data', () => {
      socket.pause()
      resolve(socket)
    })
  })
