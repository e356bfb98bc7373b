import type { RunningProgram } from '../../domain/instance/runtime.ts'
import { startFailed } from '../../domain/instance/runtime.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { SharedUpstream, type SharedUpstreamOptions } from './shared-upstream.ts'

/** The protocol revision that mcpd asks for. */
export const PROTOCOL_VERSION = '2025-11-25'
const KNOWN_VERSIONS: readonly unknown[] = [PROTOCOL_VERSION, '2025-06-18', '2025-03-26', '2024-11-05']

/** How long a server may take to answer `initialize`. */
export const INITIALIZE_TIMEOUT_MS = 30_000

/** How many of the first lines that were no messages are kept for a reason, and how much of each. */
const MAX_RUBBISH_LINES = 3
const MAX_RUBBISH_CHARS = 160

export interface HandshakeOptions extends SharedUpstreamOptions {
  /** mcpctl's own version, for `clientInfo`. */
  readonly version: string
  readonly signal: AbortSignal
  readonly timeoutMs?: number
  /** Takes secrets out of a text that the program printed. */
  readonly redact: (text: string) => string
}

/**
 * Initialises MCP with a program that has just been started. Does not stop the program when that fails.
 * @throws StartFailed with the reason: ended, refused, no answer in time, and what it printed instead
 */
export const openSharedUpstream = async (
  program: RunningProgram,
  options: HandshakeOptions,
): Promise<SharedUpstream> => {
  const rubbish: string[] = []
  let initialized = false
  const onRubbish = (line: string) => {
    if (initialized || rubbish.length >= MAX_RUBBISH_LINES) return
    // Cut afterwards: half a secret would not be recognised.
    rubbish.push(options.redact(line).trim().slice(0, MAX_RUBBISH_CHARS))
  }
  const upstream = new SharedUpstream(program, { ...options, onRubbish })
  const answer = await firstAnswer(program, upstream, options, () => printed(rubbish))
  if (answer.error !== undefined)
    throw startFailed(`it refused initialize: ${answer.error.message} (${answer.error.code})`)
  const { result } = answer
  if (!isObject(result) || !isObject(result.capabilities))
    throw startFailed('its answer to initialize is not one of MCP: capabilities are missing')
  if (!KNOWN_VERSIONS.includes(result.protocolVersion))
    throw startFailed(`it speaks MCP ${JSON.stringify(result.protocolVersion)}, which is not supported`)
  initialized = true
  upstream.initialize = result
  upstream.notify('notifications/initialized')
  return upstream
}

const firstAnswer = (
  program: RunningProgram,
  upstream: SharedUpstream,
  { version, signal, timeoutMs = INITIALIZE_TIMEOUT_MS }: HandshakeOptions,
  instead: () => string,
): Promise<RpcMessage> =>
  new Promise((resolve, reject) => {
    const fail = (reason: string, hint?: string) => {
      settle()
      reject(startFailed(`${reason}${instead()}`, hint))
    }
    const timer = setTimeout(
      () => fail(`it did not answer initialize within ${timeoutMs / 1000} s`, 'Is it an MCP server that speaks STDIO?'),
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
    void program.exited.then((exit) => fail(exit.reason))
    upstream.request('initialize', initializeParams(version), (answer) => {
      if (answer === undefined) return // not taken: its end, or the deadline, gives the reason
      settle()
      resolve(answer)
    })
  })

const initializeParams = (version: string): JsonObject => ({
  protocolVersion: PROTOCOL_VERSION,
  capabilities: {},
  clientInfo: { name: 'mcpctl', version },
})

const printed = (rubbish: readonly string[]): string =>
  rubbish.length === 0
    ? ''
    : `; on stdout it printed what is no JSON-RPC: ${rubbish.map((line) => JSON.stringify(line)).join(', ')}`
