import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'

describe('what a server asks the client', () => {
  it('has progress under the server’s own token', async () => {
    const server = new FakeServer('a')
    const { session, told } = await startSession({ servers: [server] })
    server.send({
      jsonrpc: '2.0',
      id: 'q',
      method: 'sampling/createMessage',
      params: { _meta: { progressToken: 'tok', k: 1 } },
    })
    await vi.waitFor(() => expect(told).toHaveLength(1))
    const token = told[0]?.id ?? ''
    expect(told[0]?.params).toEqual({ _meta: { progressToken: token, k: 1 } })
    session.receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: token, progress: 1 } })
    await vi.waitFor(() =>
      expect(server.got).toEqual([
        { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 'tok', progress: 1 } },
      ]),
    )
  })

  it('is taken back with the id that the client knows', async () => {
    const server = new FakeServer('a')
    const { told } = await startSession({ servers: [server] })
    server.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' })
    server.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'q', reason: 'late' } })
    await vi.waitFor(() => expect(told).toHaveLength(2))
    expect(told[1]?.params).toEqual({ requestId: told[0]?.id, reason: 'late' })
  })

  it('is taken back when the link is lost', async () => {
    const server = new FakeServer('a')
    const { told, mcpd } = await startSession({ servers: [server] })
    server.send({ jsonrpc: '2.0', id: 'q', method: 'roots/list' })
    await vi.waitFor(() => expect(told).toHaveLength(1))
    mcpd.breakLinks()
    await vi.waitFor(() =>
      expect(told[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: told[0]?.id } }),
    )
  })

  it('ping is answered here', async () => {
    const server = new FakeServer('a')
    const { told } = await startSession({ servers: [server] })
    server.send({ jsonrpc: '2.0', id: 'p', method: 'ping' })
    await vi.waitFor(() => expect(server.got).toEqual([{ jsonrpc: '2.0', id: 'p', result: {} }]))
    expect(told).toEqual([])
  })
})
