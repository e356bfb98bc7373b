import type { JsonValue } from '../../domain/kernel/json.ts'
import { toolOf } from '../../domain/mcp/call-facts.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { RpcId } from '../../domain/mcp/rpc.ts'
import type { CallOutcome, FinishedCall } from './calls.ts'
import type { SessionState, UpstreamPeer } from './upstream.ts'

/** A client session, as a connection keeps it. */
export interface ClientSession {
  readonly peer: UpstreamPeer
  readonly state: SessionState
  /** Its requests under way. */
  pending: number
}

/** A request that was sent to the server and is not answered yet. */
export interface PendingCall<Session> {
  /** Who asked; undefined for a request of the connection's own. */
  readonly session: Session | undefined
  /** The id that the session gave it, in its own type. */
  readonly id: RpcId
  /** The session's own progress token, if it wants progress. */
  readonly token: RpcId | undefined
  readonly method: string
  readonly tool: string | undefined
  /** Monotonic, in ms. */
  readonly startedAt: number
  readonly requestBytes: number
  /** What the connection itself makes of the answer; undefined stands for none. */
  readonly onSettled: ((answer: RpcMessage | undefined) => void) | undefined
}

/** The requests under way on one connection, by the integer ids that it gave them. */
export class PendingCalls<Session extends ClientSession> {
  readonly #calls = new Map<JsonValue | undefined, PendingCall<Session>>()
  #lastId = 0
  #onIdle: (() => void) | undefined

  get size(): number {
    return this.#calls.size
  }

  nextId(): number {
    return ++this.#lastId
  }

  /** Whether this id was given to some request, ever. */
  wasGiven = (id: unknown): boolean => typeof id === 'number' && Number.isInteger(id) && id > 0 && id <= this.#lastId

  add(upstreamId: number, call: PendingCall<Session>): void {
    this.#calls.set(upstreamId, call)
    if (call.session !== undefined) call.session.pending++
  }

  get = (upstreamId: JsonValue | undefined): PendingCall<Session> | undefined => this.#calls.get(upstreamId)

  /** The upstream id of a session's request, by the session's own id. Looked through: cancelling is rare, calling is not. */
  idOf(session: Session, id: JsonValue | undefined): number | undefined {
    for (const [upstreamId, call] of this.#calls)
      if (call.session === session && call.id === id && typeof upstreamId === 'number') return upstreamId
    return undefined
  }

  idsOf(session: Session): readonly number[] {
    return [...this.#calls].flatMap(([id, call]) => (call.session === session && typeof id === 'number' ? [id] : []))
  }

  /** Takes a call out: from here on it is nobody's but the caller's, who settles it. */
  take(upstreamId: JsonValue | undefined): PendingCall<Session> | undefined {
    const call = this.#calls.get(upstreamId)
    if (call === undefined) return undefined
    this.#calls.delete(upstreamId)
    if (call.session !== undefined) call.session.pending--
    if (this.#onIdle !== undefined && this.#calls.size === 0) this.#onIdle()
    return call
  }

  takeAll(): readonly PendingCall<Session>[] {
    return [...this.#calls.keys()].flatMap((id) => this.take(id) ?? [])
  }

  /** Resolves when nothing is under way, after `ms` at the latest. */
  async idle(ms: number): Promise<void> {
    if (this.#calls.size === 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      this.#onIdle = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#onIdle = undefined
  }
}

export const finishedCall = (
  call: Pick<PendingCall<unknown>, 'method' | 'tool' | 'startedAt' | 'requestBytes'>,
  outcome: CallOutcome,
  responseBytes: number,
  errorCode: number | undefined,
): FinishedCall => ({
  method: call.method,
  tool: call.tool,
  durationMs: performance.now() - call.startedAt,
  requestBytes: call.requestBytes,
  responseBytes,
  outcome,
  errorCode,
})

/** A request that mcpd answered with this error itself. */
export const refusedCall = (message: RpcMessage, errorCode: number): FinishedCall =>
  finishedCall(
    { method: message.method ?? '', tool: toolOf(message), startedAt: performance.now(), requestBytes: 0 },
    'refused',
    0,
    errorCode,
  )
