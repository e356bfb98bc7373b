import type { JsonObject } from '../../domain/kernel/json.ts'
import type { LinkClient, RpcMessage } from '../../domain/mcp/link.ts'
import type { LogLevel } from '../../domain/mcp/log-levels.ts'
import type { RpcError } from '../../domain/mcp/rpc.ts'
import type { FinishedCall } from './calls.ts'

/** An initialised MCP connection to one instance. */
export interface Upstream {
  readonly instance: string
  readonly server: string
  /** The server's own answer to `initialize`, untouched. */
  readonly initialize: JsonObject
  /** How many client sessions are attached: the load by which one instance of several is chosen. */
  readonly sessions: number
  /** Why it is over, once it is. */
  readonly ended: string | undefined
  /**
   * Attaches a client session. What `state` holds from an earlier attachment (subscriptions, log level) is asked for again.
   * Never attach to an upstream that is over.
   */
  attach(peer: UpstreamPeer, state: SessionState): Attachment
  /** Tells the sessions to send new calls elsewhere and resolves when those under way are answered, after `ms` at the latest. */
  drain(ms: number): Promise<void>
  /** It is over: answers what is under way with an error, once, and lets go of the sessions. */
  end(reason: string): void
}

/** One client session on one upstream. */
export interface Attachment {
  readonly upstream: Upstream
  /** Passes on what the client sent, under ids of the connection's own. Every request is answered exactly once, unless it is cancelled. */
  send(message: RpcMessage): void
  /**
   * The session has left: its calls are cancelled, its subscriptions released; nothing is delivered from here on.
   *
   * @param answer error for the calls under way, if there is still somebody to hear it
   */
  detach(answer?: RpcError): void
}

/** What a client session does with what comes. None of these may throw. */
export interface UpstreamPeer {
  /** It looks how the server does, and counts as no client; its pings reach the server. */
  readonly isProbe?: true
  /** A message of the server for this session, under the session's own ids and tokens. */
  deliver(message: RpcMessage): void
  /** A request of the session is over; called once for each, after its answer was delivered. */
  finished(call: FinishedCall): void
  /** The upstream will end soon: answers to calls under way still come, new ones belong elsewhere. */
  draining(): void
  /** The upstream is over; its calls have been answered with an error. Nothing comes after this. */
  ended(reason: string): void
}

/** What a client session has asked of a server; outlives the instance that it asked. */
export interface SessionState {
  readonly subscriptions: Set<string>
  logLevel?: LogLevel
  /** Who the session is for; undefined where that is not a client, or has not said. */
  client?: LinkClient
}

/** Most requests of one client session that may be under way at one server. */
export const MAX_CALLS_PER_SESSION = 1024
/** Most requests of all sessions that may be under way at one instance. */
export const MAX_CALLS_PER_CONNECTION = 16_384
/** Most resources that one client session may be subscribed to at one server. */
export const MAX_SUBSCRIPTIONS_PER_SESSION = 1024
