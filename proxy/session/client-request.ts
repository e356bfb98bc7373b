import { isObject } from '../../domain/kernel/json.ts'
import { type Answered, answeredAs } from '../../domain/mcp/call-facts.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { RpcId, RpcRequest, RpcResponse } from '../../domain/mcp/rpc.ts'
import type { ServerCall } from './server-calls.ts'

/** Where the answer to one request of the client goes, and what comes before it. */
export interface Exchange {
  /** Sends a message ahead of the answer. False if that cannot be: the client takes no stream here, or is gone. */
  send(message: RpcMessage): boolean
  /** The answer, or undefined when none is due because the client has cancelled. The last call. */
  end(answer: RpcResponse | undefined): void
}

/** Where messages go that belong to no request of the client. */
export interface ClientStream {
  /** False if the message cannot be sent, nor kept until it can. */
  send(message: RpcMessage): boolean
}

/** How a request of the client ended. `refused`: it was answered here, with an error, and passed on to no server. */
export type Outcome = Answered | 'cancelled' | 'refused'

/** One request of a client that is over. What was asked and answered is not in it. */
export interface CallRecord {
  readonly project: string
  readonly method: string
  /** What the client called the tool, for `tools/call`. */
  readonly tool: string | undefined
  /** Undefined if it was answered here. */
  readonly server: string | undefined
  readonly outcome: Outcome
  /** Our own word for the error, where it is one of ours. */
  readonly code: string | undefined
  readonly ms: number
}

/** One request of the client that is under way. */
export interface ClientRequest {
  readonly id: RpcId
  /** Without its params once it has gone to a server: many large ones may be under way for long. */
  message: RpcRequest
  /** What the client calls the tool, for `tools/call`. */
  readonly tool: string | undefined
  readonly exchange: Exchange
  readonly startedAt: number
  /** Whose it is to answer, once that is known. */
  server: string | undefined
  /** Set once it has gone to that server. */
  call: ServerCall | undefined
  /** Answered or cancelled: what comes later for it has nowhere to go. */
  done: boolean
}

/** @param answer undefined when the client has cancelled it */
export const recordOf = (project: string, request: ClientRequest, answer: RpcResponse | undefined): CallRecord => {
  const { message, tool, server, startedAt } = request
  const data = answer?.error?.data
  const code = isObject(data) && typeof data.code === 'string' ? data.code : undefined
  // A call that the breaker has not let through is given to a server, but not sent.
  const isRefused = answer?.error !== undefined && (request.call === undefined || code === 'circuit-open')
  return {
    project,
    method: message.method,
    tool,
    server,
    outcome: answer === undefined ? 'cancelled' : isRefused ? 'refused' : answeredAs(answer),
    code,
    ms: performance.now() - startedAt,
  }
}
