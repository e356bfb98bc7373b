import type { JsonObject } from '../domain/kernel/json.ts'
import { httpClient } from './api/http.ts'
import { CliError } from './errors.ts'

/** A session with a project's endpoint. */
export interface McpSession {
  /** @throws CliError `call-failed` with the server's or mcplocal's reason */
  request(method: string, params: JsonObject): Promise<JsonObject>
  end(): Promise<void>
}

const PROTOCOL_VERSION = '2025-06-18'
const SILENCE_MS = 60_000

/** The little of MCP that `up --demo` needs: the SDK's client would stay in that process with its 15 MB. */
export const openMcpSession = async (endpoint: string, token: string, signal: AbortSignal): Promise<McpSession> => {
  const { origin, pathname } = new URL(endpoint)
  const http = await httpClient(origin)
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, accept: 'application/json' }
  let lastId = 0
  const send = (method: 'POST' | 'DELETE', message?: JsonObject) =>
    http.call({
      method,
      path: pathname,
      headers: message === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      body: message === undefined ? undefined : JSON.stringify(message),
      signal,
      silenceMs: SILENCE_MS,
    })
  const request = async (method: string, params: JsonObject): Promise<JsonObject> => {
    lastId += 1
    const answer = await send('POST', { jsonrpc: '2.0', id: lastId, method, params })
    const { result, error } = JSON.parse(await answer.text())
    if (error !== undefined) throw new CliError('call-failed', `${method}: ${error.message}`)
    const session = answer.header('mcp-session-id')
    if (session !== undefined) headers['mcp-session-id'] = session
    return result
  }
  const clientInfo = { name: 'mcpctl-demo', version: '1' }
  await request('initialize', { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo })
  await send('POST', { jsonrpc: '2.0', method: 'notifications/initialized' })
  return {
    request,
    async end() {
      await send('DELETE')
      http.close()
    },
  }
}
