import type { JsonObject } from '../kernel/json.ts'

/** A JSON-RPC 2.0 message as it came, fields we have never heard of included. `id` is absent in notifications. */
export interface RpcMessage {
  readonly jsonrpc: '2.0'
  readonly id?: string | number
  readonly method?: string
  readonly params?: JsonObject
  readonly result?: JsonObject
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown }
}

/**
 * Which tools of a server a project offers, under which names and descriptions. Patterns are globs over the server's own
 * tool names.
 */
export interface ToolRules {
  readonly allow?: readonly string[]
  readonly deny?: readonly string[]
  readonly rename?: Readonly<Record<string, string>>
  readonly describe?: Readonly<Record<string, string>>
}

/** How names of several servers are joined: always `<server>__<name>`, only where two collide, or not at all. */
export type Namespacing = 'always' | 'auto' | 'never'

/**
 * Whether descriptions say whose a tool or prompt is: where its name does not and there are several servers, always, or
 * not at all.
 */
export type DescribeServers = 'auto' | 'always' | 'never'

/**
 * `shared`: one session with the server serves all clients. `dedicated`: each has one of its own, which may list things
 * of its own.
 */
export type ServerSessions = 'shared' | 'dedicated'

/** What mcplocal must know of one attached server. */
export interface LinkedServer {
  readonly name: string
  readonly state: 'ready' | 'unavailable'
  /** Why it is unavailable, for people. */
  readonly reason?: string
  /** The server's own answer to `initialize`, untouched; set when ready. */
  readonly initialize?: JsonObject
  readonly tools?: ToolRules
  /** Left out: shared. */
  readonly sessions?: ServerSessions
}

/** What mcplocal must know of the project. */
export interface LinkedProject {
  readonly name: string
  readonly instructions?: string
  readonly namespacing: Namespacing
  /** Left out: auto. */
  readonly describeServers?: DescribeServers
  /** In the order in which they are attached. */
  readonly servers: readonly LinkedServer[]
}

/** The client at the other end, as its own `initialize` had it: what a server session of its own is begun with. */
export interface LinkClient {
  readonly capabilities: JsonObject
  readonly clientInfo: JsonObject
  /** The revision that was agreed on with it; our newest where that is not said. */
  readonly protocolVersion?: string
}

/**
 * What goes over a link, both ways, as one JSON text each. `project` (mcpd → mcplocal) is the first frame and comes again
 * whenever the project or the state of one of its servers changes. `client` (mcplocal → mcpd) comes before the first
 * message. `message` carries MCP between the client session and one server; request ids and progress tokens are the
 * session's own, mcpd keeps sessions apart from there on.
 */
export type LinkFrame =
  | { readonly type: 'project'; readonly project: LinkedProject }
  | { readonly type: 'client'; readonly client: LinkClient }
  | { readonly type: 'message'; readonly server: string; readonly message: RpcMessage }

/**
 * Why a link ended. `revoked`: the right to use the project went; `gone`: the project was deleted; `slow`: the peer did
 * not read.
 */
export interface LinkClosed {
  readonly code: 'closed' | 'revoked' | 'gone' | 'slow' | 'lost'
  readonly reason: string
}

/** One end of a link: one client session of one project, all its servers multiplexed, full duplex. */
export interface Link {
  /**
   * Sends one frame. A peer that leaves more than `MAX_LINK_BUFFER` bytes unread is cut off (`slow`), never waited for.
   */
  send(frame: LinkFrame): void
  /** Registers what to do with each frame. Frames that came before are delivered first. One listener. */
  onFrame(listener: (frame: LinkFrame) => void): void
  /** Registers what to do when the link has ended, by either side. Called once. */
  onClose(listener: (closed: LinkClosed) => void): void
  close(closed?: LinkClosed): void
}

/** How mcplocal gets a link. Adapters: in process (`mcpctl up`) and WebSocket. */
export interface LinkDialer {
  /**
   * Opens a link with the caller's own bearer token, which mcpd authorises now and again when rights change.
   * @throws CodedError `unauthenticated` (401), `forbidden` (403), `not-found` (404), `mcpd-unavailable` (503)
   */
  dial(project: string, bearer: string, options: { signal: AbortSignal }): Promise<Link>
}

/** Most bytes of one frame; nothing bigger is ever held. More than what may wait for a peer: a single large result is no sign of a slow one. */
export const MAX_LINK_FRAME = 64 * 1024 * 1024

/** Most bytes of frames that may wait for a peer. */
export const MAX_LINK_BUFFER = 16 * 1024 * 1024
