import type { MessageStream } from '../../domain/instance/runtime.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkClient, RpcMessage } from '../../domain/mcp/link.ts'
import { isLogLevel } from '../../domain/mcp/log-levels.ts'
import { errorOf, notification, type RpcError, type RpcId, resultOf } from '../../domain/mcp/rpc.ts'
import { firstRubbish, type Speaker, shakeHands } from './handshake.ts'
import { finishedCall, outcomeOf, refusedCall, toolOf } from './pending-calls.ts'
import { type OwnMessage, textOf, written } from './rpc.ts'
import { notReading, serverEnded, serverUnavailable, tooManyCalls, tooManySessions, unsendable } from './rpc-errors.ts'
import { PoolFull, type SessionPool } from './session-pool.ts'
import { readLine } from './stdout-lines.ts'
import {
  type Attachment,
  MAX_CALLS_PER_SESSION,
  type SessionState,
  type Upstream,
  type UpstreamPeer,
} from './upstream.ts'

/** Most messages that wait while a session begins. */
const MAX_WAITING = 1024

/** What a session shares with the others of its instance. */
export interface DedicatedSurroundings {
  readonly upstream: Upstream
  readonly pool: SessionPool
  readonly logger: Logger
  readonly redact: (text: string) => string
  readonly idleTimeoutMs: number
  readonly initializeTimeoutMs?: number
  /** It is detached. */
  left(session: DedicatedSession): void
}

interface Call {
  readonly method: string
  readonly tool: string | undefined
  readonly startedAt: number
  requestBytes: number
}

type OwnRequest = (answer: RpcMessage | undefined) => void

/**
 * One client with a server session of its own: a process, or a session over HTTP. It begins with the client's first
 * request and ends when nothing was said for a while; the next request begins another, which is told again what the client
 * had subscribed to. Messages pass as they are, both ways, under the client's own ids: nobody else is on this stream.
 */
export class DedicatedSession implements Attachment, Speaker {
  readonly upstream: Upstream
  readonly #client: LinkClient
  readonly #peer: UpstreamPeer
  readonly #state: SessionState
  readonly #around: DedicatedSurroundings
  readonly #calls = new Map<RpcId, Call>()
  readonly #own = new Map<RpcId, OwnRequest>()
  #ownIds = 0
  /** What waits for the stream; undefined while there is none and none is being opened. */
  #waiting: RpcMessage[] | undefined
  #stream: MessageStream | undefined
  #open = false
  #abort = new AbortController()
  #over = false
  #lastUse = 0
  #idle: NodeJS.Timeout | undefined
  #onQuiet: (() => void) | undefined

  constructor(client: LinkClient, peer: UpstreamPeer, state: SessionState, around: DedicatedSurroundings) {
    this.#client = client
    this.#peer = peer
    this.#state = state
    this.#around = around
    this.upstream = around.upstream
  }

  send(message: RpcMessage): void {
    if (this.#over) return
    const { id, method } = message
    if (id !== undefined && method !== undefined) this.#request(id, method, message)
    else if (method === 'notifications/initialized')
      return // this end sent its own
    else if (method === 'notifications/cancelled') this.#cancelled(message)
    else if (this.#open) this.#write(message)
    else if (this.#waiting !== undefined && this.#waiting.length < MAX_WAITING) this.#waiting.push(message)
    // Else there is no session that this could be news to, or that waits for this answer.
  }

  detach(answer?: RpcError): void {
    if (this.#over) return
    this.#finish((call, id) => {
      if (answer !== undefined) this.#peer.deliver(errorOf(id, answer))
      this.#peer.finished(finishedCall(call, 'cancelled', 0, undefined))
    })
    this.#around.left(this)
  }

  draining(): void {
    this.#peer.draining()
  }

  /** Resolves when no call is under way. */
  async quiet(signal: AbortSignal): Promise<void> {
    if (this.#calls.size === 0 || signal.aborted) return
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  /** The instance is over. */
  end(reason: string): void {
    if (this.#over) return
    const error = serverEnded(this.upstream.server, reason)
    this.#finish((call, id) => this.#lost(call, id, error))
    this.#peer.ended(reason)
  }

  request(method: string, params: JsonObject, onSettled?: OwnRequest): void {
    // A text, where clients' ids are numbers: never taken for one of theirs.
    const id = `mcpd-${++this.#ownIds}`
    if (onSettled !== undefined) this.#own.set(id, onSettled)
    if (this.#put(JSON.stringify({ jsonrpc: '2.0', id, method, params }))) return
    this.#own.delete(id)
    onSettled?.(undefined)
  }

  notify(method: string): void {
    this.#put(JSON.stringify(notification(method)))
  }

  #request(id: RpcId, method: string, message: RpcMessage): void {
    if (method === 'ping') this.#peer.deliver(resultOf(id, {}))
    else if (method === 'initialize') this.#peer.deliver(resultOf(id, this.upstream.initialize))
    else if (this.#calls.size >= MAX_CALLS_PER_SESSION)
      this.#refuse(message, id, tooManyCalls(MAX_CALLS_PER_SESSION, 'this session'))
    else if (this.#waiting !== undefined && this.#waiting.length >= MAX_WAITING)
      this.#refuse(message, id, tooManyCalls(MAX_WAITING, 'this session, which is being opened,'))
    else this.#call(id, method, message)
  }

  #call(id: RpcId, method: string, message: RpcMessage): void {
    const call = { method, tool: toolOf(message), startedAt: performance.now(), requestBytes: 0 }
    this.#calls.set(id, call)
    if (this.#open) this.#pass(id, call, message)
    else if (this.#waiting !== undefined) this.#waiting.push(message)
    else {
      this.#waiting = [message]
      void this.#begin()
    }
  }

  /** Sends a request that is noted already. */
  #pass(id: RpcId, call: Call, message: RpcMessage): void {
    const text = written(message)
    const error =
      text === undefined
        ? unsendable('it is nested too deep or too long')
        : this.#put(text)
          ? undefined
          : notReading(this.upstream.server)
    if (error !== undefined) {
      this.#take(id)
      this.#refuse(message, id, error)
      return
    }
    call.requestBytes = Buffer.byteLength(text ?? '')
    this.#remember(message)
  }

  /** What another session, after this one, has to be told. */
  #remember({ method, params }: RpcMessage): void {
    const uri = textOf(params?.uri)
    if (method === 'resources/subscribe' && uri !== undefined) this.#state.subscriptions.add(uri)
    else if (method === 'resources/unsubscribe' && uri !== undefined) this.#state.subscriptions.delete(uri)
    else if (method === 'logging/setLevel' && isLogLevel(params?.level)) this.#state.logLevel = params.level
  }

  async #begin(): Promise<void> {
    const abort = this.#abort
    const { pool, redact, initializeTimeoutMs: timeoutMs } = this.#around
    try {
      const stream = await pool.acquire(abort.signal)
      if (abort.signal.aborted) return pool.release(stream)
      this.#stream = stream
      const rubbish = firstRubbish(redact)
      stream.onLine((line) =>
        readLine(
          line,
          (message) => this.#fromServer(message, line),
          (text) => {
            stream.log('stdout', text)
            if (!this.#open) rubbish.push(text)
          },
        ),
      )
      void stream.exited.then(({ reason }) => this.#streamEnded(stream, reason))
      await shakeHands(stream, this, { client: this.#client, signal: abort.signal, timeoutMs, rubbish })
      if (this.#stream === stream) this.#opened()
    } catch (error) {
      if (!abort.signal.aborted) this.#failed(error)
    }
  }

  #opened(): void {
    this.#open = true
    const { subscriptions, logLevel } = this.#state
    for (const uri of subscriptions) this.request('resources/subscribe', { uri })
    if (logLevel !== undefined) this.request('logging/setLevel', { level: logLevel })
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const message of waiting) {
      const { id, method } = message
      const call = id === undefined || method === undefined ? undefined : this.#calls.get(id)
      if (id !== undefined && call !== undefined) this.#pass(id, call, message)
      else if (id === undefined || method === undefined) this.#write(message) // a request that is gone was cancelled
    }
    this.#lastUse = performance.now()
    this.#watchIdle(this.#around.idleTimeoutMs)
  }

  /** No session could be begun: nothing of what waited has run. */
  #failed(error: unknown): void {
    const { server } = this.upstream
    if (!(error instanceof PoolFull || error instanceof CodedError))
      this.#around.logger.error({ server, instance: this.upstream.instance, err: error }, 'a session failed to begin')
    const reason = this.#around.redact(error instanceof Error ? error.message : String(error))
    const told = error instanceof PoolFull ? tooManySessions(server, error.max) : serverUnavailable(server, reason)
    this.#drop()
    for (const [id, call] of this.#takeAll()) {
      this.#peer.deliver(errorOf(id, told))
      this.#peer.finished(finishedCall(call, 'refused', 0, told.code))
    }
  }

  #streamEnded(stream: MessageStream, reason: string): void {
    if (this.#stream !== stream || !this.#open) return // while it begins, the handshake gives the reason
    this.#drop()
    const error = serverEnded(this.upstream.server, reason)
    for (const [id, call] of this.#takeAll()) this.#lost(call, id, error)
  }

  #fromServer(message: OwnMessage, line: string): void {
    if (this.#over) return
    this.#lastUse = performance.now()
    const { id } = message
    const own = id === undefined ? undefined : this.#own.get(id)
    if (message.method !== undefined || id === undefined) this.#peer.deliver(message)
    else if (own !== undefined) {
      this.#own.delete(id)
      own(message)
    } else this.#answered(id, message, line)
  }

  #answered(id: RpcId, message: RpcMessage, line: string): void {
    const call = this.#take(id)
    if (call === undefined) {
      this.#stream?.log('mcpd', `dropped a response with an id that waits for none: ${JSON.stringify(id).slice(0, 64)}`)
      return
    }
    this.#peer.deliver(message)
    this.#peer.finished(finishedCall(call, outcomeOf(message), Buffer.byteLength(line), message.error?.code))
  }

  #cancelled(message: RpcMessage): void {
    const id = message.params?.requestId
    if (typeof id !== 'string' && typeof id !== 'number') return
    const call = this.#take(id)
    if (call === undefined) return
    if (this.#open) this.#write(message)
    this.#peer.finished(finishedCall(call, 'cancelled', 0, undefined))
  }

  #write(message: RpcMessage): void {
    const text = written(message)
    if (text === undefined || !this.#put(text))
      this.#around.logger.warn({ instance: this.upstream.instance }, 'dropped a message that could not be sent')
  }

  #put(text: string): boolean {
    this.#lastUse = performance.now()
    return this.#stream?.send(text) ?? false
  }

  #refuse(message: RpcMessage, id: RpcId, error: RpcError): void {
    this.#peer.deliver(errorOf(id, error))
    this.#peer.finished(refusedCall(message, error.code))
  }

  #lost(call: Call, id: RpcId, error: RpcError): void {
    this.#peer.deliver(errorOf(id, error))
    this.#peer.finished(finishedCall(call, 'lost', 0, error.code))
  }

  #take(id: RpcId): Call | undefined {
    const call = this.#calls.get(id)
    this.#calls.delete(id)
    if (this.#calls.size === 0) this.#onQuiet?.()
    return call
  }

  #takeAll(): readonly (readonly [RpcId, Call])[] {
    const calls = [...this.#calls]
    this.#calls.clear()
    this.#onQuiet?.()
    return calls
  }

  /** Ends the session's stream, if there is one: the next request begins another. */
  #drop(): void {
    const stream = this.#stream
    this.#abort.abort()
    this.#abort = new AbortController()
    this.#stream = undefined
    this.#open = false
    this.#waiting = undefined
    clearTimeout(this.#idle)
    for (const settle of this.#own.values()) settle(undefined)
    this.#own.clear()
    if (stream !== undefined) this.#around.pool.release(stream)
  }

  #finish(settle: (call: Call, id: RpcId) => void): void {
    this.#over = true
    this.#drop()
    for (const [id, call] of this.#takeAll()) settle(call, id)
  }

  /** Somebody who is subscribed waits for news, and a call for its answer: neither is idle. */
  #watchIdle(ms: number): void {
    this.#idle = setTimeout(() => {
      const { idleTimeoutMs } = this.#around
      const left = this.#lastUse + idleTimeoutMs - performance.now()
      if (left > 0) return this.#watchIdle(left)
      if (this.#calls.size > 0 || this.#state.subscriptions.size > 0) return this.#watchIdle(idleTimeoutMs)
      this.#around.logger.debug({ instance: this.upstream.instance }, 'a session was idle and is ended')
      this.#drop()
    }, ms)
    this.#idle.unref()
  }
}
