import type { Readable, Writable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer, RpcMessage } from '../../domain/mcp/link.ts'
import { errorOf, isRequest, type RpcError } from '../../domain/mcp/rpc.ts'
import { RpcFault, rpcErrorOf, sessionEnded } from '../rpc/errors.ts'
import { Batch, errorText, parseMessage } from '../rpc/message.ts'
import { Pipe, sendOn } from '../rpc/pipe.ts'
import { defaultSessionLimits, type SessionLimits } from '../session/limits.ts'
import { ProjectStates } from '../session/project-states.ts'
import { Session } from '../session/session.ts'
import { readLines } from './read-lines.ts'

export interface StdioOptions {
  readonly dialer: LinkDialer
  readonly project: string
  readonly bearer: string
  readonly stdin: Readable
  /** For MCP only. */
  readonly stdout: Writable
  /** Ends the session at once. */
  readonly signal: AbortSignal
  /** Must not write to stdout. */
  readonly logger: Logger
  readonly version?: string
  readonly limits?: Partial<SessionLimits>
}

/** Longest line, in bytes, that is taken. */
const MAX_LINE_BYTES = 4 * 1024 * 1024
/** Most bytes that may wait for a client that does not read. One message may be as long as it likes: a client that reads takes it. */
const MAX_STDOUT_BYTES = 16 * 1024 * 1024
/** Once stdin has ended: how long requests under way may take before they are ended. */
const DRAIN_MS = 1_500
const DRAIN_POLL_MS = 10

/**
 * Serves one client over newline-delimited JSON until stdin ends, `signal` fires, the client stops reading, or mcpd takes the project away.
 * @throws CodedError when mcpd refuses the link, cannot be reached, or ends the session; the client was told before
 */
export const runStdio = async (options: StdioOptions): Promise<void> => {
  const { stdin, stdout, logger } = options
  const end = new AbortController()
  const signal = AbortSignal.any([options.signal, end.signal])
  const write = (text: string): boolean => {
    if (stdout.destroyed || stdout.writableEnded) return false
    if (stdout.writableLength > MAX_STDOUT_BYTES) {
      end.abort(new Error('the client does not read'))
      return false
    }
    stdout.write(`${text}\n`)
    return true
  }
  const send = (message: RpcMessage): boolean => sendOn(write, message)
  const session = newSession(options, send, (reason) => end.abort(ended(reason)))
  const onGone = () => end.abort()
  stdout.on('error', onGone).on('close', onGone)
  const pipe = new Pipe(session, write)
  try {
    const opening = session.open()
    opening.catch(() => {}) // looked at below, when the first message wants to be answered
    for await (const line of readLines(stdin, MAX_LINE_BYTES, signal))
      await takeLine(line, { pipe, opening, send, write })
    await drain(session, signal)
    if (end.signal.reason instanceof CodedError) throw end.signal.reason
  } finally {
    stdout.off('error', onGone).off('close', onGone)
    session.close('the client has gone')
    logger.debug({ project: options.project }, 'stdio session ended')
  }
}

const ended = (reason: string): CodedError => new CodedError('session-ended', 403, `the session has ended: ${reason}`)

const newSession = (
  { dialer, project, bearer, limits, logger, version = '0.0.0' }: StdioOptions,
  send: (message: RpcMessage) => boolean,
  onEnded: (reason: string) => void,
): Session =>
  new Session({
    dialer,
    project,
    bearer,
    client: { send },
    projects: new ProjectStates(),
    limits: { ...defaultSessionLimits, ...limits },
    logger,
    version,
    onEnded,
  })

interface Wiring {
  readonly pipe: Pipe
  readonly opening: Promise<void>
  readonly send: (message: RpcMessage) => boolean
  readonly write: (text: string) => boolean
}

const takeLine = async (line: string | RpcError, { pipe, opening, send, write }: Wiring): Promise<void> => {
  if (typeof line !== 'string') {
    write(errorText(line))
    return
  }
  if (line.trim() === '') return
  let input: RpcMessage | Batch
  try {
    input = parseMessage(line)
  } catch (error) {
    if (!(error instanceof RpcFault)) throw error
    write(errorText(error.error, error.id ?? null))
    return
  }
  try {
    await opening
  } catch (error) {
    const told = error instanceof CodedError ? rpcErrorOf(error) : sessionEnded('it could not be opened')
    for (const { id } of input instanceof Batch ? input.requests : [input].filter(isRequest)) send(errorOf(id, told))
    throw error
  }
  const refused = pipe.take(input)
  if (refused !== undefined) write(errorText(refused))
}

const drain = async (session: Session, signal: AbortSignal): Promise<void> => {
  for (let waited = 0; session.inFlight > 0 && !signal.aborted && waited < DRAIN_MS; waited += DRAIN_POLL_MS)
    await sleep(DRAIN_POLL_MS)
}
