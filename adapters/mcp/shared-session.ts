import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { RpcError } from '../../domain/mcp/rpc.ts'
import type { ClientSession } from './pending-calls.ts'
import type { Attachment, SessionState, Upstream, UpstreamPeer } from './upstream.ts'

/** A connection as the sessions on it need it. */
export interface SharedConnection extends Upstream {
  /** What a client session sent. */
  fromSession(session: SharedSession, message: RpcMessage): void
  /** It has left; see `Attachment.detach`. */
  detach(session: SharedSession, answer?: RpcError): void
}

/** One client session on a shared connection. */
export class SharedSession implements Attachment, ClientSession {
  readonly upstream: SharedConnection
  readonly peer: UpstreamPeer
  readonly state: SessionState
  pending = 0

  constructor(upstream: SharedConnection, peer: UpstreamPeer, state: SessionState) {
    this.upstream = upstream
    this.peer = peer
    this.state = state
  }

  send(message: RpcMessage): void {
    this.upstream.fromSession(this, message)
  }

  detach(answer?: RpcError): void {
    this.upstream.detach(this, answer)
  }
}
