import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'

/** An endpoint by hand: answers requests by method; every status, header and body is possible. */
export type Answer = (
  message: JsonObject,
  request: IncomingMessage,
) => { status?: number; type?: string; body: unknown } | 'hang' | 'break'
export const scripted = async (answer: Answer, seen: IncomingMessage[] = []): Promise<string> => {
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    seen.push(request)
    let text = ''
    for await (const chunk of request) text += String(chunk)
    if (request.method !== 'POST') return response.writeHead(405).end()
    const message: unknown = JSON.parse(text)
    if (!isObject(message) || message.id === undefined) return response.writeHead(202).end()
    const given = answer(message, request)
    if (given === 'hang') return undefined
    if (given === 'break') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': wait\n\n')
      return setImmediate(() => response.destroy())
    }
    const { status = 200, type = 'application/json', body } = given
    return response
      .writeHead(status, { 'content-type': type })
      .end(typeof body === 'string' ? body : JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
}

export const WELCOME = {
  protocolVersion: '2025-11-25',
  capabilities: { tools: {} },
  serverInfo: { name: 'hand', version: '1' },
}
export const TOOLS = [{ name: 'one', inputSchema: { type: 'object' } }]
/** A good endpoint, but for what a test says of some methods. */
export const good =
  (odd: Readonly<Record<string, unknown>> = {}): Answer =>
  (message) => {
    const method = String(message.method)
    const results: Readonly<Record<string, unknown>> = {
      initialize: WELCOME,
      ping: {},
      'tools/list': { tools: TOOLS },
      'tools/call': { content: [{ type: 'text', text: 'done' }] },
      ...odd,
    }
    return { body: { jsonrpc: '2.0', id: message.id, result: results[method] } }
  }
