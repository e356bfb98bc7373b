import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { ClientCapabilities, Progress } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { settledWithin } from '../../domain/kernel/settled-within.ts'
import { ownVersion } from '../own-version.ts'
import type { McpEndpoint } from './endpoint.ts'
import { McpFailure } from './failure.ts'
import { watchedFetch } from './fetch.ts'
import { type Waiting, waitingWith } from './waiting.ts'

export interface ConnectOptions {
  readonly signal: AbortSignal
  /** Milliseconds for each answer; progress begins them again. */
  readonly timeoutMs: number
  /** Milliseconds for the connection, if not as many. */
  readonly connectMs?: number
  /** What servers may ask of us; nothing unless it is said. */
  readonly capabilities?: ClientCapabilities
  /** Before anything is sent: where handlers of requests and notifications are set. */
  readonly prepare?: (client: Client) => void | Promise<void>
}

/** A session with an MCP endpoint. Whatever it throws is an `McpFailure`, or a CliError `interrupted`. */
export interface McpConnection {
  readonly client: Client
  readonly transport: 'Streamable HTTP' | 'SSE'
  readonly protocolVersion: string
  /** Asks, and answers the result as it came, members we have never heard of included. An abort cancels the request at the server. */
  request(method: string, params?: JsonObject, onProgress?: (progress: Progress) => void): Promise<JsonObject>
  /** Ends the session at the server, as far as that answers. */
  close(): Promise<void>
}

/** How long a goodbye may take. */
const CLOSE_MS = 2_000

/**
 * Connects as MCP's own clients do: Streamable HTTP, and SSE where the endpoint is too old for that.
 * @throws McpFailure, CliError `interrupted`
 */
export const connectMcp = async (endpoint: McpEndpoint, options: ConnectOptions): Promise<McpConnection> => {
  try {
    return await open('Streamable HTTP', endpoint, options)
  } catch (error) {
    if (!(error instanceof McpFailure) || !mayBeOld(error)) throw error
    try {
      return await open('SSE', endpoint, options)
    } catch (second) {
      throw second instanceof McpFailure ? error : second // what the newer transport was told says more
    }
  }
}

const mayBeOld = ({ status, speaksMcp }: McpFailure): boolean =>
  !speaksMcp && (status === 400 || status === 404 || status === 405)

const open = async (
  kind: McpConnection['transport'],
  { url, token }: McpEndpoint,
  { signal, timeoutMs, connectMs = timeoutMs, capabilities = {}, prepare }: ConnectOptions,
): Promise<McpConnection> => {
  const waiting = waitingWith(signal)
  const requestInit = { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } }
  const http =
    kind === 'SSE'
      ? new SSEClientTransport(url, { requestInit })
      : new StreamableHTTPClientTransport(url, { requestInit, fetch: watchedFetch(waiting.broke) })
  const transport = http as Transport // its optional members are not what its own interface says
  const seen = watchTransport(transport)
  const client = new Client({ name: 'mcpctl', version: ownVersion() }, { capabilities })
  client.onerror = waiting.dropped
  await prepare?.(client)
  try {
    await waiting.answer(welcomed(client, transport, connectMs))
  } catch (error) {
    waiting.end()
    await client.close()
    await transport.close()
    throw error
  }
  return {
    client,
    transport: kind,
    protocolVersion: seen.protocolVersion(),
    request: asking(client, waiting, { signal, timeout: timeoutMs }),
    async close() {
      const goodbye = async () => {
        await seen.cancelled()
        if (http instanceof StreamableHTTPClientTransport) await http.terminateSession()
      }
      // Where this fails or is late, the server ends the session itself some time.
      const said = goodbye().catch(() => {})
      await settledWithin(said, CLOSE_MS)
      waiting.end()
      await client.close()
    },
  }
}

/** Connects in time: an old server's stream may stay silent for ever. */
const welcomed = async (client: Client, transport: Transport, timeout: number): Promise<void> => {
  if (await settledWithin(client.connect(transport, { timeout }), timeout)) return
  throw new McpFailure('timeout', `no answer within ${timeout / 1000} s`)
}

const anyResult = z.looseObject({})

const asking =
  (
    client: Client,
    waiting: Waiting,
    { signal, timeout }: { readonly signal: AbortSignal; readonly timeout: number },
  ): McpConnection['request'] =>
  async (method, params, onProgress) => {
    const request = { method, ...(params === undefined ? {} : { params: { ...params } }) }
    const asked = client.request(request, anyResult, {
      // Of its own, for the SDK leaves a listener on it for each request.
      signal: AbortSignal.any([signal]),
      timeout,
      resetTimeoutOnProgress: true,
      ...(onProgress === undefined ? {} : { onprogress: onProgress }),
    })
    return (await waiting.answer(asked)) as JsonObject // it came as JSON
  }

/** What passes through a transport and the SDK keeps to itself: the agreed version, and whether a cancellation is on its way. */
const watchTransport = (transport: Transport) => {
  let version = ''
  let cancellation: Promise<void> = Promise.resolve()
  const send = transport.send.bind(transport)
  const setVersion = transport.setProtocolVersion?.bind(transport)
  transport.send = (message, options) => {
    const sent = send(message, options)
    if (isObject(message) && message.method === 'notifications/cancelled') cancellation = sent
    return sent
  }
  transport.setProtocolVersion = (given) => {
    version = given
    setVersion?.(given)
  }
  return { protocolVersion: () => version, cancelled: () => cancellation }
}
