import { CodedError, messageOf } from '../../domain/kernel/errors.ts'
import { jsonText } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { answeredAs, toolOf } from '../../domain/mcp/call-facts.ts'
import type { LinkClient, RpcMessage } from '../../domain/mcp/link.ts'
import { isLogLevel } from '../../domain/mcp/log-levels.ts'
import { errorOf, isId, type RpcError, type RpcId, resultOf } from '../../domain/mcp/rpc.ts'
import { OwnStream } from './own-stream.ts'
import { finishedCall, refusedCall } from './pending-calls.ts'
import { textOf } from './rpc.ts'
import { notReading, serverEnded, serverUnavailable, tooManyCalls, tooManySessions, unsendable } from './rpc-errors.ts'
import { PoolFull, type SessionPool } from './session-pool.ts'
import { bytesOf, type Source } from './stdout-lines.ts'
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
  readonly initializeTimeoutMs?: number | undefined
  /** It is detached. */
  left(session: DedicatedSession): void
}

interface Call {
  readonly message: RpcMessage
  readonly method: string
  readonly tool: string | undefined
  readonly startedAt: number
  requestBytes: number
  /** Whether it is sent once more, in another session: the server had forgotten the one it came in, so it did not run. */
  again: 'no' | 'due' | 'done'
}

/**
 * One client with a server session of its own: a process, or a session over HTTP. It begins with the client's first
 * request and ends when nothing was said for a while; the next request begins another, which is told again what the client
 * had subscribed to. Messages pass as they are, both ways, under the client's own ids: nobody else is on this stream.
 */
export class DedicatedSession implements Attachment {
  readonly upstream: Upstream
  readonly #peer: UpstreamPeer
  readonly #state: SessionState
  readonly #around: DedicatedSurroundings
  readonly #stream: OwnStream
  readonly #calls = new Map<RpcId, Call>()
  /** What waits while the stream is begun; undefined while it is not. */
  #waiting: RpcMessage[] | undefined
  #over = false
  #lastUse = 0
  #idle: NodeJS.Timeout | undefined
  #onQuiet: (() => void) | undefined

  constructor(client: LinkClient, peer: UpstreamPeer, state: SessionState, around: DedicatedSurroundings) {
    this.#peer = peer
    this.#state = state
    this.#around = around
    this.upstream = around.upstream
    this.#stream = new OwnStream({
      ...around,
      client,
      names: { instance: around.upstream.instance, server: around.upstream.server },
      onOpen: () => this.#opened(),
      onMessage: (message, source, forgotten) => this.#fromServer(message, source, forgotten),
      onFailed: (error) => this.#failed(error),
      onEnded: (reason) => this.#ended(reason),
    })
  }

  send(message: RpcMessage): void {
    if (this.#over) return
    const { id, method } = message
    if (id !== undefined && method !== undefined) this.#request(id, method, message)
    else if (method === 'notifications/initialized')
      return // this end sent its own
    else if (method === 'notifications/cancelled') this.#cancelled(message)
    else if (this.#stream.isOpen) this.#write(message)
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

  /** Resolves when no call is under way, or `signal` aborts. */
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
    const tool = toolOf(message)
    const call: Call = { message, method, tool, startedAt: performance.now(), requestBytes: 0, again: 'no' }
    this.#calls.set(id, call)
    if (this.#stream.isOpen) this.#pass(id, call, message)
    else if (this.#waiting !== undefined) this.#waiting.push(message)
    else this.#begin([message])
  }

  #begin(waiting: RpcMessage[]): void {
    this.#waiting = waiting
    void this.#stream.begin()
  }

  /** Sends a request that is noted already. */
  #pass(id: RpcId, call: Call, message: RpcMessage): void {
    const text = jsonText(message)
    if (text === undefined) this.#takeBack(message, id, unsendable('it is nested too deep or too long'))
    else if (!this.#put(text)) this.#takeBack(message, id, notReading(this.upstream.server))
    else {
      call.requestBytes = Buffer.byteLength(text)
      this.#remember(message)
    }
  }

  /** What another stream, after this one, has to be told. */
  #remember({ method, params }: RpcMessage): void {
    const uri = textOf(params?.uri)
    if (method === 'resources/subscribe' && uri !== undefined) this.#state.subscriptions.add(uri)
    else if (method === 'resources/unsubscribe' && uri !== undefined) this.#state.subscriptions.delete(uri)
    else if (method === 'logging/setLevel' && isLogLevel(params?.level)) this.#state.logLevel = params.level
  }

  #opened(): void {
    const { subscriptions, logLevel } = this.#state
    for (const uri of subscriptions) this.#stream.request('resources/subscribe', { uri })
    if (logLevel !== undefined) this.#stream.request('logging/setLevel', { level: logLevel })
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

  #ended(reason: string): void {
    clearTimeout(this.#idle)
    const due = [...this.#calls.values()].filter(({ again }) => again === 'due')
    const lost = [...this.#calls].filter(([, { again }]) => again !== 'due')
    for (const call of due) call.again = 'done'
    // Before anybody hears of the end: what is sent upon that waits for the same session.
    if (due.length > 0) this.#begin(due.map(({ message }) => message))
    const error = serverEnded(this.upstream.server, reason)
    for (const [id, call] of lost) {
      this.#take(id)
      this.#lost(call, id, error)
    }
  }

  /** No stream could be begun: nothing of what waited has run. */
  #failed(error: unknown): void {
    const { server, instance } = this.upstream
    if (!(error instanceof PoolFull || error instanceof CodedError))
      this.#around.logger.error({ server, instance, err: error }, 'a session could not be begun')
    const reason = this.#around.redact(messageOf(error))
    const told = error instanceof PoolFull ? tooManySessions(server, error.max) : serverUnavailable(server, reason)
    this.#waiting = undefined
    this.#settleAll((call, id) => {
      this.#peer.deliver(errorOf(id, told))
      this.#peer.finished(finishedCall(call, 'refused', 0, told.code))
    })
  }

  #fromServer(message: RpcMessage, source: Source, forgotten: boolean): void {
    this.#lastUse = performance.now()
    const { id, method } = message
    if (method !== undefined || id === undefined) {
      this.#peer.deliver(message)
      return
    }
    const known = this.#calls.get(id)
    if (forgotten && known?.again === 'no') {
      known.again = 'due' // the stream ends now
      return
    }
    const call = this.#take(id)
    if (call === undefined) {
      this.#stream.log(`dropped a response with an id that waits for none: ${JSON.stringify(id).slice(0, 64)}`)
      return
    }
    this.#peer.deliver(message)
    this.#peer.finished(finishedCall(call, answeredAs(message), bytesOf(source), message.error?.code))
  }

  #cancelled(message: RpcMessage): void {
    const id = message.params?.requestId
    const call = isId(id) ? this.#take(id) : undefined
    if (call === undefined) return
    if (this.#stream.isOpen) this.#write(message)
    this.#peer.finished(finishedCall(call, 'cancelled', 0, undefined))
  }

  #write(message: RpcMessage): void {
    const text = jsonText(message)
    if (text === undefined || !this.#put(text))
      this.#around.logger.warn({ instance: this.upstream.instance }, 'dropped a message that could not be sent')
  }

  #put(text: string): boolean {
    this.#lastUse = performance.now()
    return this.#stream.send(text)
  }

  #takeBack(message: RpcMessage, id: RpcId, error: RpcError): void {
    this.#take(id)
    this.#refuse(message, id, error)
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

  #settleAll(settle: (call: Call, id: RpcId) => void): void {
    const calls = [...this.#calls]
    this.#calls.clear()
    for (const [id, call] of calls) settle(call, id)
    this.#onQuiet?.()
  }

  #finish(settle: (call: Call, id: RpcId) => void): void {
    this.#over = true
    clearTimeout(this.#idle)
    this.#waiting = undefined
    this.#stream.drop()
    this.#settleAll(settle)
  }

  /** Somebody who is subscribed waits for news, and a call for its answer: neither is idle. */
  #watchIdle(ms: number): void {
    this.#idle = setTimeout(() => {
      const { idleTimeoutMs } = this.#around
      const left = this.#lastUse + idleTimeoutMs - performance.now()
      const busy = this.#calls.size > 0 || this.#state.subscriptions.size > 0
      if (left > 0 || busy) this.#watchIdle(left > 0 ? left : idleTimeoutMs)
      else {
        this.#around.logger.debug({ instance: this.upstream.instance }, 'a session was idle and is ended')
        this.#stream.drop()
      }
    }, ms)
    this.#idle.unref()
  }
}
