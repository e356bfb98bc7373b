import type { RawData, WebSocket } from 'ws'
import { messageOf } from '../../domain/kernel/errors.ts'
import { type Link, type LinkClosed, type LinkFrame, MAX_LINK_BUFFER } from '../../domain/mcp/link.ts'
import { closeReason, linkCloseCode, linkClosedOf, MALFORMED_FRAME_CODE } from '../../domain/mcp/link-codes.ts'
import { readLongFrame } from '../../domain/mcp/long-frame.ts'
import { parseFrame } from './frames.ts'

/** How long the peer may take to answer the end of the link, before the connection is cut. */
const CLOSE_MS = 2_000

/** mcplocal's end of a link over an open WebSocket. */
export class WebSocketLink implements Link {
  readonly #socket: WebSocket
  readonly #pinger: NodeJS.Timeout
  #frame: ((frame: LinkFrame) => void) | undefined
  #early: LinkFrame[] | undefined = []
  #closed: ((closed: LinkClosed) => void) | undefined
  #over: LinkClosed | undefined
  #alive = true

  constructor(socket: WebSocket, pingMs: number) {
    this.#socket = socket
    socket.on('message', (data, isBinary) => this.#take(isBinary ? Buffer.alloc(0) : data))
    socket.on('pong', () => {
      this.#alive = true
    })
    socket.on('close', (code, reason) => this.#end(linkClosedOf(code, reason.toString())))
    this.#pinger = setInterval(() => this.#ping(), pingMs)
  }

  send(frame: LinkFrame): void {
    if (this.#over !== undefined) return
    if (this.#socket.bufferedAmount > MAX_LINK_BUFFER) {
      this.close({ code: 'slow', reason: 'mcpd does not read' })
      this.#socket.terminate()
      return
    }
    this.#socket.send(JSON.stringify(frame))
  }

  onFrame(listener: (frame: LinkFrame) => void): void {
    this.#frame = listener
    const early = this.#early ?? []
    this.#early = undefined
    for (const frame of early) listener(frame)
  }

  onClose(listener: (closed: LinkClosed) => void): void {
    this.#closed = listener
    if (this.#over !== undefined) listener(this.#over)
  }

  close(closed: LinkClosed = { code: 'closed', reason: 'the session has ended' }): void {
    this.#finish(linkCloseCode[closed.code], closed)
  }

  #finish(code: number, closed: LinkClosed): void {
    if (this.#over !== undefined) return
    this.#socket.close(code, closeReason(closed.reason))
    const cut = setTimeout(() => this.#socket.terminate(), CLOSE_MS)
    this.#socket.once('close', () => clearTimeout(cut))
    this.#end(closed)
  }

  #take(data: RawData): void {
    if (this.#over !== undefined) return
    let frame: LinkFrame
    try {
      frame = (Buffer.isBuffer(data) ? readLongFrame(data) : undefined) ?? parseFrame(String(data))
    } catch (error) {
      const reason = `mcpd sent what is no frame: ${messageOf(error)}`
      this.#finish(MALFORMED_FRAME_CODE, { code: 'lost', reason })
      return
    }
    if (this.#frame === undefined) this.#early?.push(frame)
    else this.#frame(frame)
  }

  #ping(): void {
    if (!this.#alive) {
      this.#socket.terminate()
      return
    }
    this.#alive = false
    this.#socket.ping()
  }

  #end(closed: LinkClosed): void {
    if (this.#over !== undefined) return
    this.#over = closed
    clearInterval(this.#pinger)
    this.#closed?.(closed)
  }
}
