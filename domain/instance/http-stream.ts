import type { HttpAccess, MessageStream } from './runtime.ts'

export interface HttpStreamOptions {
  /** The server's one endpoint; of the old pair of endpoints the one that is read (`/sse`). */
  readonly url: URL
  readonly transport: HttpAccess['transport']
  /** Sent with every request, secrets resolved. None of them is ever logged or quoted. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether requests may go to link-local, metadata, unspecified and multicast addresses. */
  readonly allowLinkLocal: boolean
  /** Adds a line to the instance's log. */
  readonly log: (source: 'mcpd', line: string) => void
  /**
   * How long `initialize` is tried again when nobody listens yet, in milliseconds: a program that was just started needs a
   * moment until it does. Default 0.
   */
  readonly startupMs?: number
  /** Ends a session that is still being begun, as `stop` does; no effect once `initialize` is answered. */
  readonly signal?: AbortSignal
}

/**
 * Opens one MCP session with a server that speaks HTTP. Nothing is sent before the first `send`, which is to be
 * `initialize`. What cannot be delivered is answered by the stream itself: each request gets an answer or a JSON-RPC error
 * under its id. `exited` tells that the session is over (the server forgot it, the old stream was lost): another one
 * may be opened then.
 *
 * @example
 * const stream = openHttpStream({ url, transport: 'STREAMABLE_HTTP', headers: {}, allowLinkLocal: false, log })
 * stream.onLine(read)
 * stream.send('{"jsonrpc":"2.0","id":1,"method":"initialize",…}')
 */
export type OpenHttpStream = (options: HttpStreamOptions) => MessageStream
