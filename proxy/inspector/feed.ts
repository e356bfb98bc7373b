import type { Answered } from '../../domain/mcp/call-facts.ts'
import type { LinkedServer, RpcMessage } from '../../domain/mcp/link.ts'

/** Which side of the proxy: client ⇄ mcplocal, as the client sees it, or mcplocal ⇄ server, with the server's own names and our ids. */
export type FeedSide = 'client' | 'server'
export type FeedDirection = 'to-server' | 'to-client'

const SHOWN_ID_CHARACTERS = 8

/** A session's id as the feed has it. Who knows all of the id, and the bearer, can use the session. */
export const shortenedId = (id: string): string => id.slice(0, SHOWN_ID_CHARACTERS)

/** One JSON-RPC message that has passed mcplocal. */
export interface TrafficRecord {
  /** Its place among the messages of this watch, from 1. */
  readonly seq: number
  /** ISO 8601, UTC. */
  readonly at: string
  /** The first characters of the session's id: enough to tell sessions apart, too few to use one. */
  readonly session: string
  readonly side: FeedSide
  readonly direction: FeedDirection
  /** On the server side whose it is; on the client side only of what belongs to a request that a server works on. */
  readonly server?: string
  /** A response has that of the request it answers, if that was seen. */
  readonly method?: string
  readonly id?: string | number
  /** Of a response: milliseconds since the request it answers, if that was seen. */
  readonly ms?: number
  /** Of a response. */
  readonly outcome?: Answered
  /** Size of the whole message as JSON, in UTF-8. */
  readonly bytes: number
  /** The message; absent when it is too large to be shown whole. */
  readonly message?: RpcMessage
  /** Instead of `message`: the beginning of its JSON. */
  readonly cut?: string
}

/** One client session. */
export interface FeedSession {
  readonly session: string
  /** What the client calls itself, and its version. */
  readonly client: string
}

/** The events of the feed, by the name that they have as server-sent events. */
export interface FeedEvents {
  /** The first one. The same `watch` after a reconnection means that `seq` goes on. */
  readonly hello: { readonly watch: string; readonly project: string; readonly sessions: readonly FeedSession[] }
  readonly message: TrafficRecord
  readonly session: FeedSession & { readonly state: 'open' | 'ended'; readonly at: string; readonly reason?: string }
  /** The project's servers, at first and whenever the state of one changes. */
  readonly project: { readonly servers: readonly FeedServer[] }
  /** The way from mcplocal to mcpd. */
  readonly link: { readonly state: 'up' | 'lost'; readonly reason?: string }
  /** Messages left out because this watcher reads too slowly. */
  readonly lost: { readonly count: number }
  /** The last one: the feed ends because mcpd says so, or mcplocal stops. */
  readonly end: { readonly code: 'revoked' | 'stopping'; readonly reason: string }
}

export type FeedServer = Pick<LinkedServer, 'name' | 'state' | 'reason'>

export type FeedEventName = keyof FeedEvents

/** One event of the feed. */
export type FeedEvent = {
  readonly [Name in FeedEventName]: { readonly event: Name; readonly data: FeedEvents[Name] }
}[FeedEventName]
