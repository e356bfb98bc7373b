import type { RpcMessage } from '../../domain/mcp/link.ts'
import {
  errorOf,
  notification,
  ownId,
  progressTokenOf,
  type RpcError,
  type RpcId,
  type RpcRequest,
  type RpcResponse,
  withProgressToken,
} from '../../domain/mcp/rpc.ts'

interface Open {
  readonly server: string
  readonly id: RpcId
  readonly token: RpcId | undefined
}

/**
 * The requests of servers (sampling, elicitation, roots, …) that the client has not answered yet. Each gets an id of ours, which is its
 * progress token, too; the answer goes to exactly the server that asked.
 */
export class ClientCalls {
  readonly #toServer: (server: string, message: RpcMessage) => boolean
  readonly #limit: number
  readonly #open = new Map<number, Open>()
  #lastId = 0

  constructor(limit: number, toServer: (server: string, message: RpcMessage) => boolean) {
    this.#limit = limit
    this.#toServer = toServer
  }

  get size(): number {
    return this.#open.size
  }

  /** Whether the client may be asked one more thing. */
  get hasRoom(): boolean {
    return this.#open.size < this.#limit
  }

  /** The request as the client shall see it. */
  open(server: string, request: RpcRequest): RpcRequest {
    const id = ++this.#lastId
    const token = progressTokenOf(request.params)
    this.#open.set(id, { server, id: request.id, token })
    return token === undefined || request.params === undefined
      ? { ...request, id }
      : { ...request, id, params: withProgressToken(request.params, id) }
  }

  /** Passes the client's answer on. False if nobody asked. */
  answer(response: RpcResponse): boolean {
    const call = this.#take(response.id)
    if (call === undefined) return false
    this.#toServer(call.server, { ...response, id: call.id })
    return true
  }

  /** Answers a request in the client's place. */
  refuse(id: RpcId, error: RpcError): void {
    const call = this.#take(id)
    if (call !== undefined) this.#toServer(call.server, errorOf(call.id, error))
  }

  /** Passes the client's progress on. False if it belongs to no request of a server. */
  progress(message: RpcMessage): boolean {
    const { params } = message
    const call = this.#open.get(ownId(params?.progressToken))
    if (params === undefined || call?.token === undefined) return false
    this.#toServer(call.server, { ...message, params: { ...params, progressToken: call.token } })
    return true
  }

  /** A server takes its request back: what to tell the client, or undefined if there is no such request. */
  cancelled(server: string, message: RpcMessage): RpcMessage | undefined {
    for (const [ours, call] of this.#open)
      if (call.server === server && call.id === message.params?.requestId) {
        this.#open.delete(ours)
        return { ...message, params: { ...message.params, requestId: ours } }
      }
    return undefined
  }

  /** Forgets all requests, or those of one server, that nobody waits for any more; returns what to tell the client. */
  drop(reason: string, server?: string): RpcMessage[] {
    const told: RpcMessage[] = []
    for (const [ours, call] of this.#open)
      if (server === undefined || call.server === server) {
        this.#open.delete(ours)
        told.push(notification('notifications/cancelled', { requestId: ours, reason }))
      }
    return told
  }

  #take(id: RpcId): Open | undefined {
    const ours = ownId(id)
    const call = this.#open.get(ours)
    if (call !== undefined) this.#open.delete(ours)
    return call
  }
}
