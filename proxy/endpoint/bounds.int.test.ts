import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { BEARER, FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { initializeRequest, openSession, post, startLocal } from '../testing/local.ts'

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

describe('bounds', () => {
  it('beyond the last session, initialize is answered with 503 and Retry-After', async () => {
    const small = await startLocal(new FakeMcpd().project('demo', { servers: [] }), { limits: { sessions: 2 } })
    try {
      const first = await openSession(small.endpoint('demo'))
      await openSession(small.endpoint('demo'))
      const third = await post(small.endpoint('demo'), initializeRequest)
      expect([third.status, third.headers.get('retry-after')]).toEqual([503, '5'])
      await fetch(small.endpoint('demo'), {
        method: 'DELETE',
        headers: { Authorization: `Bearer ${BEARER}`, ...first },
      })
      expect((await post(small.endpoint('demo'), initializeRequest)).status).toBe(200)
    } finally {
      await small.close()
    }
  })

  it('a session nobody uses ends, one with an open stream does not', async () => {
    const small = await startLocal(new FakeMcpd().project('demo', { servers: [] }), {
      // Long enough for the stream to be opened on a machine with other things to do.
      limits: { idleMs: 500, heartbeatMs: 10 },
    })
    try {
      await openSession(small.endpoint('demo'))
      const held = await openSession(small.endpoint('demo'))
      const stop = new AbortController()
      await fetch(small.endpoint('demo'), {
        headers: { Authorization: `Bearer ${BEARER}`, Accept: 'text/event-stream', ...held },
        signal: stop.signal,
      })
      await vi.waitFor(() => expect(small.local.sessions()).toBe(1), { timeout: 10_000 })
      expect((await post(small.endpoint('demo'), ping, held)).status).toBe(200)
      stop.abort()
      await vi.waitFor(() => expect(small.local.sessions()).toBe(0), { timeout: 10_000 })
      expect(small.mcpd.links).toBe(0)
    } finally {
      await small.close()
    }
  })

  it('an answer that is long in coming becomes a stream, so that nobody takes the connection for dead', async () => {
    let answer = (): void => {}
    const slow = new FakeServer('a')
      .tools('x')
      .on('tools/call', () => new Promise((resolve) => (answer = () => resolve({}))))
    const small = await startLocal(new FakeMcpd().project('demo', { servers: [slow] }), { limits: { heartbeatMs: 10 } })
    try {
      const headers = await openSession(small.endpoint('demo'))
      const response = await post(
        small.endpoint('demo'),
        { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } },
        headers,
      )
      expect(response.headers.get('content-type')).toBe('text/event-stream')
      answer()
      expect(await response.text()).toContain('data: {"jsonrpc":"2.0","id":1,"result":{}}')
    } finally {
      await small.close()
    }
  })

  it('a client that does not read its stream is cut off', async () => {
    const loud = new FakeServer('a', { logging: {} })
    const small = await startLocal(new FakeMcpd().project('demo', { servers: [loud] }), {
      limits: { streamBytes: 200_000 },
    })
    try {
      const headers = await openSession(small.endpoint('demo'))
      const socket = connect(small.local.port, '127.0.0.1')
      const closed = new Promise((resolve) => socket.on('close', resolve))
      socket.on('error', () => {})
      const lines = Object.entries({
        Host: `127.0.0.1:${small.local.port}`,
        Authorization: `Bearer ${BEARER}`,
        Accept: 'text/event-stream',
        ...headers,
      })
      socket.write(
        `GET ${small.endpoint('demo').pathname} HTTP/1.1\r\n${lines.map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`,
      )
      await new Promise((resolve) => socket.once('data', resolve))
      socket.pause()
      await vi.waitFor(
        () => {
          for (let i = 0; i < 20; i++)
            loud.notify('notifications/message', { level: 'info', data: 'x'.repeat(100_000) })
          expect(small.logger.lines.some(({ message }) => message.includes('dropped'))).toBe(true)
        },
        { timeout: 10_000 },
      )
      socket.resume()
      await closed
    } finally {
      await small.close()
    }
  }, 20_000)
})
