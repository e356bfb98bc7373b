import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { ClientCapabilities, Progress } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { interrupted } from '../errors.ts'
import { ownVersion } from '../own-version.ts'
import type { McpEndpoint } from './endpoint.ts'
import { failureOf, McpFailure } from './failure.ts'
import { watchedFetch } from './fetch.ts'

export interface ConnectOptions {
  readonly signal: AbortSignal
  /** Milliseconds for the connection, and for each answer; progress begins them again. */
  readonly timeoutMs: number
  /** What servers may ask of us; nothing unless it is said. */
  readonly capabilities?: ClientCapabilities
  /** Before anything is sent: where handlers of requests and notifications are set. */
  readonly prepare?: (client: Client) => void | Promise<void>
}

/** A session with an MCP endpoint. Whatever it throws is an `McpFailure`, or `interrupted`. */
export interface McpConnection {
  readonly client: Client
  readonly transport: 'Streamable HTTP' | 'SSE'
  readonly protocolVersion: string
  /**
   * Asks, and answers the result with members we have never heard of. An abort cancels the request at the server.
   * @param options.schema what the result must be, beyond an object
   */
  request<Schema extends z.ZodType = typeof anyResult>(
    method: string,
    params?: JsonObject,
    options?: { readonly schema?: Schema; readonly onProgress?: (progress: Progress) => void },
  ): Promise<z.output<Schema>>
  /** Ends the session at the server, as far as that answers. */
  close(): Promise<void>
}

const anyResult = z.looseObject({})

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
    const failure = failureUnlessInterrupted(error, options.signal)
    if (!mayBeOld(failure)) throw failure
    try {
      return await open('SSE', endpoint, options)
    } catch (second) {
      failureUnlessInterrupted(second, options.signal)
      throw failure // what the newer transport was told says more
    }
  }
}

const mayBeOld = ({ status, speaksMcp }: McpFailure): boolean =>
  !speaksMcp && (status === 400 || status === 404 || status === 405)

const failureUnlessInterrupted = (error: unknown, signal: AbortSignal): McpFailure => {
  if (signal.aborted) throw interrupted()
  return failureOf(error)
}

const open = async (
  kind: McpConnection['transport'],
  { url, token }: McpEndpoint,
  { signal, timeoutMs, capabilities = {}, prepare }: ConnectOptions,
): Promise<McpConnection> => {
  const broken = failing()
  const abort = failing()
  signal.addEventListener('abort', () => abort.fail(interrupted()), { once: true })
  const requestInit = { headers: token === undefined ? {} : { Authorization: `Bearer ${token}` } }
  const transport =
    kind === 'SSE'
      ? new SSEClientTransport(url, { requestInit })
      : new StreamableHTTPClientTransport(url, { requestInit, fetch: watchedFetch(broken.fail) })
  const seen = watchTransport(transport as Transport) // its optional members are not what its own interface says
  const client = new Client({ name: 'mcpctl', version: ownVersion() }, { capabilities })
  let nonsense: McpFailure | undefined
  client.onerror = (error) => {
    const failure = failureOf(error)
    if (failure.kind === 'malformed') nonsense = failure
  }
  await prepare?.(client)

  /** The answer, or the first of what ends the wait for it. */
  const answered = async <Answer>(answer: Promise<Answer>): Promise<Answer> => {
    try {
      return await Promise.race([answer, broken.promise, abort.promise])
    } catch (error) {
      const failure = failureUnlessInterrupted(error, signal)
      // What makes no sense to the SDK is dropped there, and then missed.
      throw failure.kind === 'timeout' ? (nonsense ?? failure) : failure
    }
  }
  const close = async () => {
    const goodbye = async () => {
      await seen.cancelled()
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession()
    }
    await within(CLOSE_MS, goodbye()).catch(() => {}) // it ends the session itself, some time
    await client.close()
  }

  try {
    if (signal.aborted) throw interrupted()
    await answered(within(timeoutMs, client.connect(transport as Transport, { timeout: timeoutMs })))
  } catch (error) {
    await client.close()
    await transport.close()
    throw error
  }
  return {
    client,
    transport: kind,
    protocolVersion: seen.protocolVersion(),
    request: (method, params, { schema, onProgress } = {}) => {
      const request = { method, ...(params === undefined ? {} : { params: { ...params } }) }
      // Of its own, for the SDK leaves a listener on it for each request.
      const options = { signal: AbortSignal.any([signal]), timeout: timeoutMs, resetTimeoutOnProgress: true }
      const asked = client.request(request, (schema ?? anyResult) as typeof anyResult, {
        ...options,
        ...(onProgress === undefined ? {} : { onprogress: onProgress }),
      })
      return answered(asked) as Promise<never> // of the schema's type
    },
    close,
  }
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

/** A promise that never resolves, and how to reject it. */
const failing = () => {
  let fail: (error: Error) => void = () => {}
  const promise = new Promise<never>((_resolve, reject) => {
    fail = reject
  })
  promise.catch(() => {}) // nobody may wait for it any more
  return { promise, fail: (error: Error) => fail(error) }
}

const within = async <Answer>(ms: number, answer: Promise<Answer>): Promise<Answer> => {
  const late = failing()
  const timer = setTimeout(() => late.fail(new McpFailure('timeout', `no answer within ${ms / 1000} s`)), ms)
  try {
    return await Promise.race([answer, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
