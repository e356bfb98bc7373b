import { toolOf } from '../../domain/mcp/call-facts.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { errorOf, type RpcError, type RpcId, type RpcRequest, type RpcResponse } from '../../domain/mcp/rpc.ts'
import type { Taps } from '../inspector/taps.ts'
import { invalidRequest, tooManyCalls } from '../rpc/errors.ts'
import { type CallRecord, type ClientRequest, type Exchange, recordOf } from './client-request.ts'

/** The requests of one client that are under way, each ended exactly once. */
export class ClientRequests {
  readonly #project: string
  readonly #onCall: ((record: CallRecord) => void) | undefined
  readonly #taps: Taps
  readonly #open = new Map<RpcId, ClientRequest>()

  constructor(project: string, taps: Taps, onCall: ((record: CallRecord) => void) | undefined) {
    this.#taps = taps
    this.#project = project
    this.#onCall = onCall
  }

  get size(): number {
    return this.#open.size
  }

  get(id: RpcId): ClientRequest | undefined {
    return this.#open.get(id)
  }

  /** Why a request with this id is not taken beside those under way. */
  refusal(id: RpcId, limit: number): RpcError | undefined {
    if (this.#open.has(id)) return invalidRequest(`id ${JSON.stringify(id)} is that of a request still under way`)
    return this.#open.size >= limit ? tooManyCalls(limit) : undefined
  }

  open(message: RpcRequest, exchange: Exchange): ClientRequest {
    const { id } = message
    const startedAt = performance.now()
    const [tool, server, call] = [toolOf(message), undefined, undefined]
    const request: ClientRequest = { id, message, tool, exchange, startedAt, server, call, done: false }
    this.#open.set(id, request)
    return request
  }

  /** Ends a request: with its answer, or without one as the client has cancelled it. Again: no effect. */
  finish(request: ClientRequest, answer: RpcResponse | undefined): void {
    if (request.done) return
    request.done = true
    this.#open.delete(request.id)
    if (answer !== undefined) this.#taps.toClient(answer, request.server)
    request.exchange.end(answer)
    this.#onCall?.(recordOf(this.#project, request, answer))
  }

  /** Answers a request that is not taken. */
  refuse({ id }: RpcRequest, exchange: Exchange, error: RpcError): void {
    const answer = errorOf(id, error)
    this.#taps.toClient(answer)
    exchange.end(answer)
  }

  failAll(error: RpcError): void {
    for (const request of [...this.#open.values()]) this.finish(request, errorOf(request.id, error))
  }

  /**
   * Sends a message of a server on the newest request that it is working on: that is where the client looks for what belongs to it. False
   * if there is none that can take it.
   */
  sendOn(server: string, message: RpcMessage): boolean {
    for (const request of [...this.#open.values()].reverse())
      if (request.server === server && this.send(request, message)) return true
    return false
  }

  /** Sends a message ahead of a request's answer. False if that cannot be, or the answer has gone already. */
  send(request: ClientRequest, message: RpcMessage): boolean {
    const sent = !request.done && request.exchange.send(message)
    if (sent) this.#taps.toClient(message, request.server)
    return sent
  }
}
