import type { MessageStream } from '../../domain/instance/runtime.ts'
import { type JsonObject, jsonText } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { toolOf } from '../../domain/mcp/call-facts.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import {
  errorOf,
  notification,
  progressTokenOf,
  type RpcError,
  type RpcId,
  resultOf,
  withProgressToken,
} from '../../domain/mcp/rpc.ts'
import { createServerReader } from './from-server.ts'
import { guarded } from './guarded.ts'
import { finishedCall, type PendingCall, PendingCalls, refusedCall } from './pending-calls.ts'
import {
  notReading,
  serverEnded,
  serverUnavailable,
  tooManyCalls,
  tooManySubscriptions,
  unsendable,
} from './rpc-errors.ts'
import { createSessionWishes, type Verdict } from './session-wishes.ts'
import { type SharedConnection, SharedSession } from './shared-session.ts'
import { createSharedTasks } from './shared-tasks.ts'
import { readLine, readLong } from './stdout-lines.ts'
import {
  type Attachment,
  MAX_CALLS_PER_CONNECTION,
  MAX_CALLS_PER_SESSION,
  MAX_SUBSCRIPTIONS_PER_SESSION,
  type SessionState,
  type Upstream,
  type UpstreamPeer,
} from './upstream.ts'

export interface SharedUpstreamOptions {
  readonly instance: string
  readonly server: string
  readonly logger: Logger
  /** Called with each line of stdout that was no message, after it went to the instance's log. */
  readonly onRubbish?: (line: string) => void
}

/**
 * One MCP connection over a stream that serves any number of client sessions. Request ids and
 * progress tokens are rewritten to integers of the connection's own and back; everything else passes untouched. As the
 * server could not say which client it means, it is offered neither sampling nor elicitation nor roots.
 */
export class SharedUpstream implements Upstream, SharedConnection {
  readonly instance: string
  readonly server: string
  initialize: JsonObject = {}
  ended: string | undefined
  readonly #program: MessageStream
  readonly #logger: Logger
  readonly #sessions = new Set<SharedSession>()
  readonly #calls = new PendingCalls<SharedSession>()
  readonly #tasks = createSharedTasks<SharedSession>()
  readonly #wishes = createSessionWishes(this.#sessions, (method, params) => this.request(method, params))
  #draining = false
  #probes = 0

  constructor(program: MessageStream, { instance, server, logger, onRubbish }: SharedUpstreamOptions) {
    this.instance = instance
    this.server = server
    this.#program = program
    this.#logger = logger
    const fromServer = createServerReader({
      names: this.#names(),
      program,
      logger,
      sessions: this.#sessions,
      calls: this.#calls,
      tasks: this.#tasks,
      wishes: this.#wishes,
      isDraining: () => this.#draining,
      write: (text) => this.#write(text),
    })
    const rubbish = (line: string) => {
      program.log('stdout', line)
      onRubbish?.(line)
    }
    program.onLine(
      guarded(logger, this.#names(), (line, facts) => readLine(line, fromServer, rubbish, facts?.parsed)),
      guarded(logger, this.#names(), (bytes) =>
        readLong(bytes, fromServer, (line) => readLine(line, fromServer, rubbish)),
      ),
    )
  }

  get sessions(): number {
    return this.#sessions.size - this.#probes
  }

  /** What is held at the moment; all 0 when nobody is attached. */
  get held(): { readonly calls: number; readonly subscriptions: number; readonly tokens: number } {
    return { calls: this.#calls.size, subscriptions: this.#wishes.size, tokens: this.#tasks.size }
  }

  attach(peer: UpstreamPeer, state: SessionState): Attachment {
    const session = new SharedSession(this, peer, state)
    this.#sessions.add(session)
    if (peer.isProbe) this.#probes += 1
    this.#wishes.join(session)
    return session
  }

  detach(session: SharedSession, answer?: RpcError): void {
    if (!this.#sessions.delete(session)) return
    if (session.peer.isProbe) this.#probes -= 1
    for (const upstreamId of this.#calls.idsOf(session)) {
      const call = this.#cancel(upstreamId, { reason: 'the client session ended' })
      if (call !== undefined && answer !== undefined) session.peer.deliver(errorOf(call.id, answer))
    }
    this.#wishes.leave(session)
    this.#tasks.forget(session)
  }

  async drain(ms: number): Promise<void> {
    this.#draining = true
    for (const { peer } of [...this.#sessions]) peer.draining()
    await this.#calls.idle(ms)
  }

  /** The program is over: answers what is under way with an error, once, and lets go of the sessions. */
  end(reason: string): void {
    if (this.ended !== undefined) return
    this.ended = reason
    const sessions = [...this.#sessions]
    this.#sessions.clear()
    this.#probes = 0
    const error = serverEnded(this.server, reason)
    for (const call of this.#calls.takeAll()) {
      call.session?.peer.deliver(errorOf(call.id, error))
      call.onSettled?.(undefined)
      call.session?.peer.finished(finishedCall(call, 'lost', 0, error.code))
    }
    for (const { peer } of sessions) peer.ended(reason)
  }

  /** Sends a request of the connection's own. `onSettled` gets the answer, or undefined when there will be none. */
  request(method: string, params: JsonObject, onSettled?: (answer: RpcMessage | undefined) => void): void {
    const id = this.#calls.nextId()
    const call = { session: undefined, id, token: undefined, method, tool: undefined, onSettled }
    if (this.#write(JSON.stringify({ jsonrpc: '2.0', id, method, params })))
      this.#calls.add(id, { ...call, startedAt: performance.now(), requestBytes: 0 })
    else onSettled?.(undefined)
  }

  notify(method: string): void {
    this.#write(JSON.stringify(notification(method)))
  }

  /** What a client session sent. */
  fromSession(session: SharedSession, message: RpcMessage): void {
    const { id, method } = message
    if (method === undefined) this.#logger.debug(this.#names(), 'dropped a response to no request of the server')
    else if (id === undefined) this.#notificationFromSession(session, message)
    else this.#requestFromSession(session, id, method, message)
  }

  #requestFromSession(session: SharedSession, id: RpcId, method: string, message: RpcMessage): void {
    switch (method) {
      case 'ping':
        if (session.peer.isProbe) this.#call(session, id, message, undefined)
        else session.peer.deliver(resultOf(id, {}))
        break
      case 'initialize':
        session.peer.deliver(resultOf(id, this.initialize))
        break
      case 'resources/subscribe':
        if (session.state.subscriptions.size < MAX_SUBSCRIPTIONS_PER_SESSION)
          this.#decided(session, id, this.#wishes.subscribe(session, message))
        else this.#refuse(session, id, message, tooManySubscriptions(MAX_SUBSCRIPTIONS_PER_SESSION))
        break
      case 'resources/unsubscribe':
        this.#decided(session, id, this.#wishes.unsubscribe(session, message))
        break
      case 'logging/setLevel':
        this.#decided(session, id, this.#wishes.setLevel(session, message))
        break
      default:
        this.#call(session, id, message, undefined)
    }
  }

  #decided(session: SharedSession, id: RpcId, verdict: Verdict): void {
    if (verdict === 'answer') {
      session.peer.deliver(resultOf(id, {}))
      return
    }
    const { pass, failed } = verdict
    this.#call(session, id, pass, (answer) => {
      if (answer?.result === undefined) failed?.()
    })
  }

  #call(
    session: SharedSession,
    id: RpcId,
    message: RpcMessage,
    onSettled: PendingCall<SharedSession>['onSettled'],
  ): void {
    const upstreamId = this.#calls.nextId()
    const token = progressTokenOf(message.params)
    const refusal = this.#refusal(session) ?? this.#tasks.refusal(session, message)
    const error = refusal ?? this.#send(session, id, upstreamId, token, message, onSettled)
    if (error === undefined) return
    this.#refuse(session, id, message, error)
    onSettled?.(undefined)
  }

  #refusal(session: SharedSession): RpcError | undefined {
    if (this.ended !== undefined) return serverUnavailable(this.server, this.ended)
    if (session.pending >= MAX_CALLS_PER_SESSION) return tooManyCalls(MAX_CALLS_PER_SESSION, 'this session')
    if (this.#calls.size >= MAX_CALLS_PER_CONNECTION)
      return tooManyCalls(MAX_CALLS_PER_CONNECTION, `server ${this.server}`)
    return undefined
  }

  /** The hot path. @returns why it was not sent */
  #send(
    session: SharedSession,
    id: RpcId,
    upstreamId: number,
    token: RpcId | undefined,
    message: RpcMessage,
    onSettled: PendingCall<SharedSession>['onSettled'],
  ): RpcError | undefined {
    const sent =
      token === undefined
        ? { ...message, id: upstreamId }
        : { ...message, id: upstreamId, params: withProgressToken(message.params, upstreamId) }
    const text = jsonText(sent)
    if (text === undefined) return unsendable('it is nested too deep or too long')
    const startedAt = performance.now()
    if (!this.#write(text)) return notReading(this.server)
    const { method = '' } = message
    const requestBytes = Buffer.byteLength(text)
    const tool = toolOf(message)
    this.#calls.add(upstreamId, { session, id, token, method, tool, startedAt, requestBytes, onSettled })
    return undefined
  }

  #refuse({ peer }: SharedSession, id: RpcId, message: RpcMessage, error: RpcError): void {
    peer.deliver(errorOf(id, error))
    peer.finished(refusedCall(message, error.code))
  }

  #notificationFromSession(session: SharedSession, message: RpcMessage): void {
    switch (message.method) {
      case 'notifications/initialized': // the connection sent its own
      case 'notifications/roots/list_changed': // roots are not offered here
      case 'notifications/progress': // of requests that a shared server cannot make
        break
      case 'notifications/cancelled': {
        const upstreamId = this.#calls.idOf(session, message.params?.requestId)
        if (upstreamId !== undefined) this.#cancel(upstreamId, message.params ?? {})
        break
      }
      default: {
        const text = jsonText(message)
        if (text === undefined) this.#logger.warn(this.#names(), 'dropped a notification that is nested too deep')
        else this.#write(text)
      }
    }
  }

  #cancel(upstreamId: number, params: JsonObject): PendingCall<SharedSession> | undefined {
    const call = this.#calls.take(upstreamId)
    if (call === undefined) return undefined
    const told = notification('notifications/cancelled', { ...params, requestId: upstreamId })
    // What a client adds may be nested too deep to be written; the server is to hear of it all the same.
    const text = jsonText(told) ?? jsonText({ ...told, params: { requestId: upstreamId } })
    if (text !== undefined) this.#write(text)
    call.onSettled?.(undefined)
    call.session?.peer.finished(finishedCall(call, 'cancelled', 0, undefined))
    return call
  }

  #write(text: string): boolean {
    if (this.ended !== undefined) return false
    const taken = this.#program.send(text)
    if (!taken) this.#logger.warn(this.#names(), 'the server does not read its stdin; a message was dropped')
    return taken
  }

  #names() {
    return { instance: this.instance, server: this.server }
  }
}
