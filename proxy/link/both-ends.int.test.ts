import { createServer } from 'node:http'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { linkSocketOptions } from '../../adapters/link/frame.ts'
import { linkOverSocket } from '../../adapters/link/websocket.ts'
import { FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { keptLogger } from '../testing/kept-logger.ts'
import { type Local, startLocal } from '../testing/local.ts'
import { webSocketDialer } from './websocket-dialer.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A fake mcpd behind the WebSocket end that mcpd itself has. */
const serve = async (mcpd: FakeMcpd, port = 0) => {
  const sockets = new WebSocketServer({ noServer: true, ...linkSocketOptions })
  const server = createServer().on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, async (ws) => {
      const ours = linkOverSocket(ws)
      const project = request.url?.split('/')[4] ?? ''
      const inner = await mcpd.dial(project, request.headers.authorization?.slice('Bearer '.length) ?? '')
      ours.onFrame((frame) => inner.send(frame))
      inner.onFrame((frame) => ours.send(frame))
      ours.onClose((closed) => inner.close(closed))
      inner.onClose((closed) => ours.close(closed))
    }),
  )
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const address = server.address()
  const stop = async () => {
    for (const client of sockets.clients) client.terminate()
    await new Promise((resolve) => server.close(resolve))
  }
  return { stop, port: typeof address === 'object' && address !== null ? address.port : 0 }
}

const start = async (mcpd: FakeMcpd) => {
  const remote = await serve(mcpd)
  const dialer = webSocketDialer({ server: `http://127.0.0.1:${remote.port}`, logger: keptLogger() })
  const local: Local = await startLocal(mcpd, { dialer })
  ends.push(() => local.close(), remote.stop)
  return { local, remote }
}

it('a client’s calls go through mcplocal, a WebSocket and mcpd’s end of it', async () => {
  const server = new FakeServer('a').tools('x').on('tools/call', ({ params, notify }) => {
    notify('notifications/progress', {
      progressToken: (params._meta as { progressToken: number }).progressToken,
      progress: 1,
    })
    return { content: [{ type: 'text', text: 'ünï🎈' }] }
  })
  const { local } = await start(new FakeMcpd().project('demo', { servers: [server] }))
  const { client, transport } = await local.client()
  const progress: number[] = []
  const result = await client.callTool({ name: 'a__x' }, undefined, { onprogress: (at) => progress.push(at.progress) })
  expect([result.content, progress]).toEqual([[{ type: 'text', text: 'ünï🎈' }], [1]])
  await transport.terminateSession()
  await vi.waitFor(() => expect(local.mcpd.links).toBe(0))
})

it('a 10 MB result arrives whole', async () => {
  const text = 'x'.repeat(10_000_000)
  const server = new FakeServer('a').tools('x').on('tools/call', () => ({ content: [{ type: 'text', text }] }))
  const { local } = await start(new FakeMcpd().project('demo', { servers: [server] }))
  const { client } = await local.client()
  const result = await client.callTool({ name: 'a__x' })
  expect((result.content as { text: string }[])[0]?.text).toBe(text)
})

it('a session outlives a restart of mcpd', async () => {
  const mcpd = new FakeMcpd().project('demo', { servers: [new FakeServer('a').tools('x')] })
  const { local, remote } = await start(mcpd)
  const { client } = await local.client()
  await client.callTool({ name: 'a__x' })
  await remote.stop()
  await vi.waitFor(() => expect(local.logger.lines.some(({ message }) => message.startsWith('link lost'))).toBe(true))
  const again = client.callTool({ name: 'a__x' })
  const restarted = await serve(mcpd, remote.port)
  ends.push(restarted.stop)
  expect((await again).content).toHaveLength(1)
  expect(local.local.sessions()).toBe(1)
})

it('a session ends when mcpd takes the right away', async () => {
  const { local } = await start(new FakeMcpd().project('demo', { servers: [] }))
  await local.client()
  local.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
  await vi.waitFor(() => expect(local.local.sessions()).toBe(0))
})
