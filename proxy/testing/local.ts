import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { ClientCapabilities } from '@modelcontextprotocol/sdk/types.js'
import { onTestFinished } from 'vitest'
import { type Mcplocal, type McplocalOptions, startMcplocal } from '../endpoint/start.ts'
import { BEARER, FakeMcpd } from './fake-mcpd.ts'
import type { FakeServer } from './fake-server.ts'
import { type KeptLogger, keptLogger } from './kept-logger.ts'

/** A running endpoint before a fake mcpd, and clients for it. */
export interface Local {
  readonly mcpd: FakeMcpd
  readonly local: Mcplocal
  readonly logger: KeptLogger
  endpoint(project: string): URL
  /** The SDK's client, connected; closed with the rest. */
  client(project?: string, capabilities?: ClientCapabilities): Promise<ConnectedClient>
  close(): Promise<void>
}

interface ConnectedClient {
  readonly client: Client
  readonly transport: StreamableHTTPClientTransport
}

/** Waits and TTLs short enough for a test. */
const quick: Partial<McplocalOptions> = {
  sessionLimits: { redialFirstMs: 5, redialLastMs: 20, listChangedMs: 10 },
}

export const startLocal = async (mcpd: FakeMcpd, options: Partial<McplocalOptions> = {}): Promise<Local> => {
  const logger = keptLogger()
  const local = await startMcplocal({
    host: '127.0.0.1',
    port: 0,
    dialer: mcpd,
    logger,
    version: '1.2.3',
    ...options,
    sessionLimits: { ...quick.sessionLimits, ...options.sessionLimits },
  })
  const clients: Client[] = []
  const endpoint = (project: string) => new URL(`${local.url}/projects/${project}/mcp`)
  return {
    mcpd,
    local,
    logger,
    endpoint,
    async client(project = 'demo', capabilities = {}) {
      const client = new Client({ name: 'test', version: '1' }, { capabilities })
      const transport = new StreamableHTTPClientTransport(endpoint(project), {
        requestInit: { headers: { Authorization: `Bearer ${BEARER}` } },
      })
      clients.push(client)
      // The SDK's transport does not fit its own interface under exactOptionalPropertyTypes.
      await client.connect(transport as Parameters<Client['connect']>[0])
      return { client, transport }
    },
    async close() {
      await Promise.all(clients.map((client) => client.close()))
      await local.close()
    },
  }
}

/** Starts an endpoint for one test, before servers that are attached to the project `demo`. */
export const startDemo = async (
  servers: readonly FakeServer[],
  project: object = {},
  options: Partial<McplocalOptions> = {},
): Promise<Local> => {
  const local = await startLocal(new FakeMcpd().project('demo', { servers, ...project }), options)
  onTestFinished(() => local.close())
  return local
}

/** What a tool of a FakeServer has answered: JSON in a text. */
export const textOf = (result: unknown): unknown =>
  JSON.parse((result as { content: { text: string }[] }).content[0]?.text ?? '')

/** A raw request to an endpoint; the body is sent as JSON unless it is text. */
export const post = (
  url: URL,
  body: unknown,
  headers: Record<string, string> = {},
  signal: AbortSignal | null = null,
): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    signal,
    headers: {
      Authorization: `Bearer ${BEARER}`,
      'Content-Type': 'application/json',
      Accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

export const initializeRequest = {
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
} as const

/** Opens a session by hand; returns the header that later requests need. */
export const openSession = async (
  url: URL,
  protocolVersion: string = initializeRequest.params.protocolVersion,
): Promise<{ 'Mcp-Session-Id': string }> => {
  const params = { ...initializeRequest.params, protocolVersion }
  const response = await post(url, { ...initializeRequest, params })
  await response.json()
  return { 'Mcp-Session-Id': response.headers.get('mcp-session-id') ?? '' }
}
