import { type Exit, type MessageStream, startFailed } from '../../domain/instance/runtime.ts'
import type { CodedError } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject, jsonText, nestsDeeperThan } from '../../domain/kernel/json.ts'
import type { LinkClient, RpcMessage } from '../../domain/mcp/link.ts'
import { SharedUpstream, type SharedUpstreamOptions } from './shared-upstream.ts'

/** The protocol revision that mcpd asks for where no client does. */
export const PROTOCOL_VERSION = '2025-11-25'
const KNOWN_VERSIONS: readonly unknown[] = [PROTOCOL_VERSION, '2025-06-18', '2025-03-26', '2024-11-05']

/** How long a server may take to answer `initialize`. */
export const INITIALIZE_TIMEOUT_MS = 30_000

/** Most characters of an answer to `initialize`, and its deepest nesting: every client of a project is told of it, with those of other servers. */
const MAX_INITIALIZE = 1024 * 1024
const MAX_DEPTH = 100

/** How many of the first lines that were no messages are kept for a reason, and how much of each. */
const MAX_RUBBISH_LINES = 3
const MAX_RUBBISH_CHARS = 160

/** Who shakes hands over a stream. */
export interface Speaker {
  /** Sends a request; `onSettled` gets the answer, or undefined when there will be none. */
  request(method: string, params: JsonObject, onSettled: (answer: RpcMessage | undefined) => void): void
  notify(method: string): void
}

export interface HandshakeOptions {
  /** Who the server is told that it serves, and what that can. */
  readonly client: LinkClient
  readonly signal: AbortSignal
  readonly timeoutMs?: number | undefined
  /** What the stream brought that was no message; added to a reason. */
  readonly rubbish: Rubbish
}

/** The first lines of a stream that were no messages, secrets taken out. */
export interface Rubbish {
  push(line: string): void
  /** For the end of a reason. */
  toString(): string
}

export const firstRubbish = (redact: (text: string) => string): Rubbish => {
  const lines: string[] = []
  return {
    push(line) {
      // Cut afterwards: half a secret would not be recognised.
      if (lines.length < MAX_RUBBISH_LINES) lines.push(redact(line).trim().slice(0, MAX_RUBBISH_CHARS))
    },
    toString: () =>
      lines.length === 0
        ? ''
        : `; on stdout it printed what is no JSON-RPC: ${lines.map((line) => JSON.stringify(line)).join(', ')}`,
  }
}

/**
 * Initialises MCP on a stream that nothing has been sent on. Does not end the stream when that fails.
 * @returns the server's answer to `initialize`, untouched
 * @throws StartFailed with the reason: ended, refused, no answer in time, and what came instead
 */
export const shakeHands = async (
  stream: Pick<MessageStream, 'exited'>,
  speaker: Speaker,
  options: HandshakeOptions,
): Promise<JsonObject> => {
  const answer = await firstAnswer(stream, speaker, options)
  if (answer.error !== undefined) throw refused(answer.error)
  const { result } = answer
  if (!isObject(result) || !isObject(result.capabilities))
    throw startFailed('its answer to initialize is not one of MCP: capabilities are missing')
  const text = jsonText({ jsonrpc: '2.0', result })
  if (text === undefined || text.length > MAX_INITIALIZE || nestsDeeperThan(text, MAX_DEPTH))
    throw startFailed(
      `its answer to initialize is longer than ${MAX_INITIALIZE / 2 ** 20} MiB or nested deeper than ${MAX_DEPTH}`,
    )
  if (!KNOWN_VERSIONS.includes(result.protocolVersion))
    throw startFailed(`it speaks MCP ${JSON.stringify(result.protocolVersion)}, which is not supported`)
  speaker.notify('notifications/initialized')
  return result
}

/** An error with a hint is the stream's own: it could not reach the server. */
const refused = ({ code, message, data }: NonNullable<RpcMessage['error']>): CodedError =>
  isObject(data) && typeof data.hint === 'string'
    ? startFailed(message, data.hint)
    : startFailed(`it refused initialize: ${message} (${code})`)

export interface SharedHandshakeOptions extends SharedUpstreamOptions {
  /** mcpctl's own version, for `clientInfo`. */
  readonly version: string
  readonly signal: AbortSignal
  readonly timeoutMs?: number | undefined
  /** Takes secrets out of a text that the program printed. */
  readonly redact: (text: string) => string
}

/** The connection that serves any number of clients, initialised. @throws as `shakeHands` does */
export const openSharedUpstream = async (
  stream: MessageStream,
  options: SharedHandshakeOptions,
): Promise<SharedUpstream> => {
  const { redact, signal, timeoutMs, version } = options
  const rubbish = firstRubbish(redact)
  let initialized = false
  const onRubbish = (line: string) => {
    if (!initialized) rubbish.push(line)
  }
  const upstream = new SharedUpstream(stream, { ...options, onRubbish })
  const client = { capabilities: {}, clientInfo: { name: 'mcpctl', version } }
  upstream.initialize = await shakeHands(stream, upstream, { client, signal, timeoutMs, rubbish })
  initialized = true
  return upstream
}

const firstAnswer = (
  stream: Pick<MessageStream, 'exited'>,
  speaker: Speaker,
  { client, signal, timeoutMs = INITIALIZE_TIMEOUT_MS, rubbish }: HandshakeOptions,
): Promise<RpcMessage> =>
  new Promise((resolve, reject) => {
    const fail = (reason: string, hint?: string, exit?: Exit) => {
      settle()
      reject(startFailed(`${reason}${rubbish}`, hint, exit))
    }
    const timer = setTimeout(
      () =>
        fail(
          `it did not answer initialize within ${timeoutMs / 1000} s`,
          'Is it an MCP server of this transport (STDIO, STREAMABLE_HTTP, SSE)?',
        ),
      timeoutMs,
    )
    const onAbort = () => fail('the start was cancelled')
    const settle = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) return onAbort()
    // `exited` never rejects; after the answer a second settlement has no effect.
    void stream.exited.then((exit) => fail(exit.reason, undefined, exit))
    const { capabilities, clientInfo, protocolVersion = PROTOCOL_VERSION } = client
    speaker.request('initialize', { protocolVersion, capabilities, clientInfo }, (answer) => {
      if (answer === undefined) return // not taken: its end, or the deadline, gives the reason
      settle()
      resolve(answer)
    })
  })
