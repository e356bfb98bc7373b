import type { JsonObject } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { beginsTask } from '../../domain/mcp/long-answer.ts'
import {
  errorOf,
  notification,
  ownId,
  progressTokenOf,
  type RpcError,
  type RpcId,
  type RpcResponse,
  withProgressToken,
} from '../../domain/mcp/rpc.ts'
import { callTimedOut, circuitOpen, linkDown } from '../rpc/errors.ts'
import type { SessionState } from './session-state.ts'
import { signOf } from './signs-of-life.ts'

/** What becomes of a request to a server. */
export interface CallHandlers {
  /** The server's response, or an error of ours in its place. Its id is ours: the caller knows its own. Called once. */
  onAnswer(answer: RpcResponse): void
  /** Progress, with the caller's own token. */
  onProgress?(progress: RpcMessage): void
}

/** A request that a server has been sent and has not answered. */
export interface ServerCall {
  readonly id: number
  readonly server: string
}

interface Open extends ServerCall {
  readonly handlers: CallHandlers
  readonly token: RpcId | undefined
  readonly timer: NodeJS.Timeout
  /** Monotonic, in ms. */
  readonly sentAt: number
}

/** How long the client of a call must have waited for its cancelling to say something of the server: before, it changed its mind. */
const PATIENCE_MS = 30_000

/** Most tasks whose progress is passed on after the call that began them was answered. */
const MAX_TASKS = 256

/**
 * The requests of one session that servers have not answered yet. Each gets an id of ours, which is its progress token, too; an answer or
 * progress counts only if it comes from the server that was asked.
 */
export class ServerCalls {
  readonly #send: (server: string, message: RpcMessage) => boolean
  readonly #state: Pick<SessionState, 'breaker'>
  readonly #open = new Map<number, Open>()
  /** Calls that were answered with a task: its progress goes on under their token. */
  readonly #tasks = new Map<number, Open>()
  #lastId = 0

  /** @param send passes a message to a server; false if there is no link */
  constructor(state: Pick<SessionState, 'breaker'>, send: (server: string, message: RpcMessage) => boolean) {
    this.#state = state
    this.#send = send
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Sends a request on to a server: id and progress token are replaced, nothing else is. A server that has not answered the last ones is
   * not asked: the call is answered at once.
   * @param params in place of the request's own, where names in them have been mapped
   */
  forward(
    server: string,
    request: RpcMessage,
    params: JsonObject | undefined,
    deadlineMs: number,
    handlers: CallHandlers,
  ): ServerCall {
    const id = ++this.#lastId
    const sentAt = performance.now()
    const retryMs = this.#state.breaker(server).admit(sentAt)
    if (retryMs !== undefined) {
      handlers.onAnswer(errorOf(id, circuitOpen(server, retryMs)))
      return { id, server }
    }
    const token = progressTokenOf(params)
    const timer = setTimeout(() => this.#timedOut(id, deadlineMs), deadlineMs)
    const call: Open = { id, server, handlers, token, timer, sentAt }
    this.#open.set(id, call)
    if (!this.#send(server, rewritten(request, id, params, token))) this.#settle(call, errorOf(id, linkDown()))
    return call
  }

  /** Takes a server's response. False if that server owes none with that id. */
  answer(server: string, response: RpcResponse): boolean {
    const call = this.#open.get(ownId(response.id))
    if (call === undefined || call.server !== server) return false
    this.#judge(call, response)
    this.#settle(call, response)
    return true
  }

  /** Takes a server's progress notification. False if it belongs to none of its calls. */
  progress(server: string, message: RpcMessage): boolean {
    const { params } = message
    const id = ownId(params?.progressToken)
    const open = this.#open.get(id)
    const call = open ?? this.#tasks.get(id)
    if (params === undefined || call === undefined || call.server !== server || call.token === undefined) return false
    open?.timer.refresh()
    this.#state.breaker(server).answered(performance.now())
    call.handlers.onProgress?.({ ...message, params: { ...params, progressToken: call.token } })
    return true
  }

  /** Tells the server to stop and forgets the call: nobody waits for its answer any more. */
  cancel(call: ServerCall, cancelled: RpcMessage = notification('notifications/cancelled', {})): void {
    const open = this.#open.get(call.id)
    if (open === undefined) return
    if (performance.now() - open.sentAt >= PATIENCE_MS) this.#silent(open)
    this.#abandon(open, cancelled)
  }

  /** Ends all calls, or those of one server, with an error. */
  fail(error: RpcError, server?: string): void {
    for (const call of [...this.#open.values()])
      if (server === undefined || call.server === server) this.#settle(call, errorOf(call.id, error))
  }

  #timedOut(id: number, deadlineMs: number): void {
    const call = this.#open.get(id)
    if (call === undefined) return
    this.#silent(call)
    this.#abandon(call, notification('notifications/cancelled', { reason: `no answer within ${deadlineMs} ms` }))
    call.handlers.onAnswer(errorOf(id, callTimedOut(call.server, deadlineMs)))
  }

  #abandon(call: Open, cancelled: RpcMessage): void {
    this.#forget(call)
    this.#send(call.server, { ...cancelled, params: { ...cancelled.params, requestId: call.id } })
  }

  #silent({ server, sentAt }: Open): void {
    this.#state.breaker(server).failed(performance.now(), sentAt)
  }

  #judge({ server, sentAt }: Open, response: RpcResponse): void {
    const sign = signOf(response)
    const now = performance.now()
    if (sign === 'alive') this.#state.breaker(server).answered(now)
    else if (sign === 'dead') this.#state.breaker(server).lost(now, sentAt)
  }

  #settle(call: Open, answer: RpcResponse): void {
    this.#forget(call)
    if (call.token !== undefined && beginsTask(answer)) this.#keepTask(call)
    call.handlers.onAnswer(answer)
  }

  #keepTask(call: Open): void {
    const [oldest] = this.#tasks.keys()
    if (this.#tasks.size >= MAX_TASKS && oldest !== undefined) this.#tasks.delete(oldest)
    this.#tasks.set(call.id, call)
  }

  #forget(call: Open): void {
    clearTimeout(call.timer)
    this.#open.delete(call.id)
  }
}

const rewritten = (
  request: RpcMessage,
  id: number,
  params: JsonObject | undefined,
  token: RpcId | undefined,
): RpcMessage => {
  if (params === undefined) return { ...request, id }
  return { ...request, id, params: token === undefined ? params : withProgressToken(params, id) }
}
