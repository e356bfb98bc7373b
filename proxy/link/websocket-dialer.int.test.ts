import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { type WebSocket, WebSocketServer } from 'ws'
import type { LinkClosed, LinkFrame } from '../../domain/mcp/link.ts'
import { webSocketDialer } from './websocket-dialer.ts'

const open = new Map<Server, Set<Socket>>()
afterEach(async () => {
  for (const server of [...open.keys()]) await stop(server)
})

const stop = async (server: Server): Promise<void> => {
  for (const socket of open.get(server) ?? []) socket.destroy()
  open.delete(server)
  await new Promise((resolve) => server.close(resolve))
}

const listen = async (server: Server): Promise<string> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => sockets.add(socket))
  open.set(server, sockets)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
}

/** A server that takes every upgrade. */
const taking = async (onSocket: (socket: WebSocket, path: string | undefined, bearer: string | undefined) => void) => {
  const sockets = new WebSocketServer({ noServer: true })
  return listen(
    createServer().on('upgrade', (request, socket, head) =>
      sockets.handleUpgrade(request, socket, head, (ws) => onSocket(ws, request.url, request.headers.authorization)),
    ),
  )
}

/** A server that refuses every upgrade. */
const refusing = (status: number, body: string) =>
  listen(
    createServer().on('upgrade', (_request, socket) =>
      socket.end(
        `HTTP/1.1 ${status} No\r\nContent-Type: application/problem+json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
    ),
  )

const { signal } = new AbortController()
const project: LinkFrame = { type: 'project', project: { name: 'demo', namespacing: 'always', servers: [] } }

it('opens the project’s link with the client’s bearer, and frames go both ways', async () => {
  const got: unknown[] = []
  const url = await taking((socket, path, bearer) => {
    got.push(path, bearer)
    socket.on('message', (data) => got.push(JSON.parse(String(data))))
    socket.send(JSON.stringify(project))
  })
  const link = await webSocketDialer({ server: url }).dial('demo', 'token', { signal })
  const frames: LinkFrame[] = []
  link.onFrame((frame) => frames.push(frame))
  const message: LinkFrame = { type: 'message', server: 'a', message: { jsonrpc: '2.0', id: 1, method: 'ping' } }
  link.send(message)
  await vi.waitFor(() => expect(frames).toEqual([project]))
  await vi.waitFor(() => expect(got).toEqual(['/api/v1/projects/demo/link', 'Bearer token', message]))
  link.close()
})

it.each([
  [
    401,
    JSON.stringify({ code: 'token-expired', detail: 'the token has expired', hint: 'mcpctl login' }),
    { code: 'token-expired', status: 401, message: 'the token has expired' },
  ],
  [403, 'no', { code: 'forbidden', status: 403 }],
  [404, '{}', { code: 'not-found', status: 404 }],
  [500, '{"code":"internal"}', { code: 'mcpd-unavailable', status: 503 }],
  [302, '', { code: 'mcpd-unavailable', status: 503 }],
])('says what mcpd said: %i', async (status, body, error) => {
  const url = await refusing(status, body)
  await expect(webSocketDialer({ server: url }).dial('demo', 'token', { signal })).rejects.toMatchObject(error)
})

it('says that nothing listens', async () => {
  const url = await taking(() => {})
  for (const server of [...open.keys()]) await stop(server)
  await expect(webSocketDialer({ server: url }).dial('demo', 't', { signal })).rejects.toMatchObject({
    code: 'mcpd-unavailable',
    message: expect.stringContaining('nothing listens'),
  })
})

it('gives up when it is told to', async () => {
  const url = await listen(createServer().on('upgrade', () => {}))
  const late = AbortSignal.timeout(20)
  await expect(webSocketDialer({ server: url }).dial('demo', 't', { signal: late })).rejects.toMatchObject({
    code: 'mcpd-unavailable',
  })
})

it.each([
  [4001, 'the token was revoked', { code: 'revoked', reason: 'the token was revoked' }],
  [4002, '', { code: 'gone', reason: expect.any(String) }],
  [4003, 'slow', { code: 'slow', reason: 'slow' }],
  [1001, '', { code: 'lost', reason: expect.any(String) }],
])('reads close code %i', async (code, reason, expected) => {
  const url = await taking((socket) => socket.close(code, reason))
  const link = await webSocketDialer({ server: url }).dial('demo', 't', { signal })
  const closed = await new Promise<LinkClosed>((resolve) => link.onClose(resolve))
  expect(closed).toEqual(expected)
})

it.each([
  'rubbish',
  '[]',
  '{"type":"x"}',
  '{"type":"message","server":"a"}',
  '{"type":"project","project":{"name":"x"}}',
])('ends the link for what is no frame: %s', async (text) => {
  const codes: number[] = []
  const url = await taking((socket) => {
    socket.on('close', (code) => codes.push(code))
    socket.send(text)
  })
  const link = await webSocketDialer({ server: url }).dial('demo', 't', { signal })
  const closed = await new Promise<LinkClosed>((resolve) => link.onClose(resolve))
  expect(closed.reason).toContain('no frame')
  await vi.waitFor(() => expect(codes).toEqual([4005]))
})

it('notices that the peer is dead though the connection stands', async () => {
  const url = await taking((socket) => {
    socket.pause()
  })
  const link = await webSocketDialer({ server: url, pingMs: 10 }).dial('demo', 't', { signal })
  const closed = await new Promise<LinkClosed>((resolve) => link.onClose(resolve))
  expect(closed.code).toBe('lost')
})

it('cuts off a peer that does not read', async () => {
  const url = await taking((socket) => socket.pause())
  const link = await webSocketDialer({ server: url }).dial('demo', 't', { signal })
  const closed = new Promise<LinkClosed>((resolve) => link.onClose(resolve))
  const text = 'x'.repeat(4 * 1024 * 1024)
  for (let i = 0; i < 10; i++)
    link.send({ type: 'message', server: 'a', message: { jsonrpc: '2.0', method: 'x', params: { text } } })
  expect((await closed).code).toBe('slow')
})
