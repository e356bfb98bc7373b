import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Link, LinkClosed, LinkFrame } from '../../domain/mcp/link.ts'
import { longAnswer } from '../../domain/mcp/long-answer.ts'
import { linkContract, messageFrame } from './testing/link-contract.ts'
import { type SocketPair, socketPair } from './testing/socket-pair.ts'
import { linkOverSocket } from './websocket.ts'

const FINALLY = { timeout: 5000, interval: 2 }

linkContract('over a WebSocket', async () => {
  const { server, client, free } = await socketPair()
  return { ends: [linkOverSocket(server), linkOverSocket(client)], free }
})

describe("the server's end of a WebSocket", () => {
  let pair: SocketPair
  let clientClose: { code: number; reason: string }[]

  beforeEach(async () => {
    pair = await socketPair()
    clientClose = []
    pair.client.on('close', (code, reason) => clientClose.push({ code, reason: reason.toString() }))
  })
  afterEach(() => pair.free())

  const watched = (link: Link) => {
    const seen: { frames: LinkFrame[]; closed: LinkClosed[] } = { frames: [], closed: [] }
    link.onFrame((frame) => seen.frames.push(frame))
    link.onClose((closed) => seen.closed.push(closed))
    return seen
  }

  it.each([
    ['{"half', 'a frame is not JSON'],
    ['[]', 'a frame is not an object'],
    ['null', 'a frame is not an object'],
    ['{"type":"hello"}', 'a frame has an unknown type'],
    ['{"type":"message","message":{"jsonrpc":"2.0","id":1}}', 'a message frame names no server'],
    ['{"type":"message","server":"s","message":{"id":1}}', 'a message is not JSON-RPC 2.0'],
    ['{"type":"message","server":"s","message":{"jsonrpc":"2.0"}}', 'a message has neither method nor id'],
    [
      '{"type":"message","server":"s","message":{"jsonrpc":"2.0","id":{}}}',
      'the id of a message is neither text nor number',
    ],
    [
      '{"type":"message","server":"s","message":{"jsonrpc":"2.0","method":"m","params":[]}}',
      'the params of a message are no object',
    ],
    ['{"type":"project","project":null}', 'a project frame holds no project'],
  ])('closes on %s, saying what is wrong', async (text, reason) => {
    const seen = watched(linkOverSocket(pair.server))
    pair.client.send(text)
    await vi.waitFor(() => expect(clientClose).toEqual([{ code: 4005, reason }]), FINALLY)
    expect(seen.frames).toEqual([])
    expect(seen.closed).toEqual([{ code: 'closed', reason: `the peer sent what is no frame: ${reason}` }])
  })

  it('closes on a binary frame', async () => {
    const seen = watched(linkOverSocket(pair.server))
    pair.client.send(Buffer.from('{}'))
    await vi.waitFor(() => expect(clientClose[0]?.code).toBe(4005), FINALLY)
    expect(seen.closed).toHaveLength(1)
  })

  it('cuts a peer off that does not read, without waiting', async () => {
    const link = linkOverSocket(pair.server, { maxBufferBytes: 1024 * 1024 })
    const { closed } = watched(link)
    pair.client.pause()
    const big = messageFrame(1, { text: 'x'.repeat(256 * 1024) })
    for (let i = 0; i < 400 && pair.server.readyState === pair.server.OPEN; i++) link.send(big)
    await vi.waitFor(() => expect(closed).toMatchObject([{ code: 'slow' }]), FINALLY)
  })

  it('sends a long answer as it came, and what follows after it', async () => {
    const link = linkOverSocket(pair.server)
    const { frames } = watched(linkOverSocket(pair.client))
    const result = { text: 'ünï🎈 '.repeat(100_000) }
    link.send({ type: 'message', server: 's', message: longAnswer('x', Buffer.from(JSON.stringify(result))) })
    link.send(messageFrame(2))
    await vi.waitFor(() => expect(frames).toHaveLength(2), FINALLY)
    expect(frames).toEqual([
      { type: 'message', server: 's', message: { jsonrpc: '2.0', id: 'x', result } },
      messageFrame(2),
    ])
  })

  it('does not take a peer for slow that is being sent one long frame, but for two', async () => {
    const link = linkOverSocket(pair.server, { maxBufferBytes: 1024 * 1024 })
    const { closed } = watched(link)
    const { frames } = watched(linkOverSocket(pair.client))
    const long = messageFrame(1, { text: 'x'.repeat(30 * 1024 * 1024) })
    for (const frame of [long, messageFrame(2), messageFrame(3)]) link.send(frame)
    await vi.waitFor(() => expect(frames).toHaveLength(3), FINALLY)
    expect(closed).toEqual([])
    for (const frame of [long, long, messageFrame(4)]) link.send(frame)
    await vi.waitFor(() => expect(closed).toMatchObject([{ code: 'slow' }]), FINALLY)
  })

  it('is lost when the peer gives no sign of life', async () => {
    pair.client.pause()
    const seen = watched(linkOverSocket(pair.server, { heartbeatMs: 10 }))
    await vi.waitFor(() => expect(seen.closed).toMatchObject([{ code: 'lost' }]), FINALLY)
    expect(seen.closed[0]?.reason).toContain('no sign of life')
  })

  it('lives on as long as the peer answers', async () => {
    let pings = 0
    pair.client.on('ping', () => pings++)
    const seen = watched(linkOverSocket(pair.server, { heartbeatMs: 10 }))
    await vi.waitFor(() => expect(pings).toBeGreaterThan(5), FINALLY)
    expect(seen.closed).toEqual([])
  })

  it('is lost when the connection breaks', async () => {
    const seen = watched(linkOverSocket(pair.server))
    pair.client.terminate()
    await vi.waitFor(() => expect(seen.closed).toEqual([{ code: 'lost', reason: 'the connection broke' }]), FINALLY)
  })

  it('sends an error instead of an answer that is too big or nests too deep', async () => {
    const link = linkOverSocket(pair.server, { maxFrameBytes: 10_000 })
    const { frames } = watched(linkOverSocket(pair.client))
    let deep = {}
    for (let i = 0; i < 100_000; i++) deep = { deep }
    for (const [id, result] of [{ text: 'x'.repeat(20_000) }, deep, { fine: true }].entries())
      link.send({ type: 'message', server: 's', message: { jsonrpc: '2.0', id, result } })
    await vi.waitFor(() => expect(frames).toHaveLength(3), FINALLY)
    expect(frames.map((frame) => (frame.type === 'message' ? (frame.message.error?.code ?? 'ok') : ''))).toEqual([
      -32000,
      -32000,
      'ok',
    ])
  })
})
