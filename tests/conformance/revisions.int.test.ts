import { describe, expect, it } from 'vitest'
import { post } from '../../proxy/testing/local.ts'
import { behindProxy } from './behind-proxy.ts'
import { createConformanceServer } from './server/server.ts'

const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const

describe.each(REVISIONS)('a server that speaks %s', (server) => {
  it.each(REVISIONS)('serves a client that speaks %s', async (client) => {
    const asked: unknown[] = []
    const local = await behindProxy({
      create: createConformanceServer,
      sessions: 'dedicated',
      revision: server,
      onSent: (message) => 'method' in message && message.method === 'initialize' && asked.push(message.params),
    })
    const url = local.endpoint('demo')
    const begun = await post(url, {
      jsonrpc: '2.0',
      id: 0,
      method: 'initialize',
      params: { protocolVersion: client, capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
    })
    const { result } = (await begun.json()) as { result: { protocolVersion: string } }
    expect(result.protocolVersion).toBe(client)
    const headers = {
      'Mcp-Session-Id': begun.headers.get('mcp-session-id') ?? '',
      // Clients of the two older revisions do not send it.
      ...(client < '2025-06-18' ? {} : { 'Mcp-Protocol-Version': client }),
    }
    expect((await post(url, { jsonrpc: '2.0', method: 'notifications/initialized' }, headers)).status).toBe(202)
    const ask = async (method: string, params: object) => {
      const answered = await post(url, { jsonrpc: '2.0', id: 1, method, params }, headers)
      return ((await answered.json()) as { result: { tools?: unknown; content?: unknown } }).result
    }
    expect((await ask('tools/list', {})).tools).toContainEqual(expect.objectContaining({ name: 'test_simple_text' }))
    const { content } = await ask('tools/call', { name: 'test_simple_text' })
    expect(content).toEqual([{ type: 'text', text: 'This is a simple text response for testing.' }])
    expect(asked.at(-1)).toMatchObject({ protocolVersion: client, clientInfo: { name: 'raw' } })
  })
})
