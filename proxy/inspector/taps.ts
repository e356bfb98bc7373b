import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { ClientStream } from '../session/client-request.ts'
import type { FeedDirection, FeedSide } from './feed.ts'

/** Hears of one message: where it passed, which way, and whose server it is, where that is known. */
export type Tap = (side: FeedSide, direction: FeedDirection, server: string | undefined, message: RpcMessage) => void

/** Where the messages of one session can be listened to. While nobody does, a message costs one look at `listener`. */
export class Taps {
  listener: Tap | undefined

  fromClient(message: RpcMessage): void {
    this.listener?.('client', 'to-server', undefined, message)
  }

  /** @param server whose answer or message it is, if it is one's */
  toClient(message: RpcMessage, server?: string): void {
    this.listener?.('client', 'to-client', server, message)
  }

  toServer(server: string, message: RpcMessage): void {
    this.listener?.('server', 'to-server', server, message)
  }

  fromServer(server: string, message: RpcMessage): void {
    this.listener?.('server', 'to-client', server, message)
  }
}

/** A client's stream, with what it takes listened to. */
export const tappedStream = (stream: ClientStream, taps: Taps): ClientStream => ({
  send(message) {
    const sent = stream.send(message)
    if (sent) taps.toClient(message)
    return sent
  },
})
