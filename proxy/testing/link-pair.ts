import type { Link, LinkClosed, LinkFrame } from '../../domain/mcp/link.ts'

/** Two ends of a link in one process. Each frame crosses in a turn of its own, as it would over a socket. */
export const linkPair = (): [Link, Link] => {
  const a = new End()
  const b = new End()
  a.peer = b
  b.peer = a
  return [a, b]
}

class End implements Link {
  peer: End | undefined
  #frame: ((frame: LinkFrame) => void) | undefined
  #closed: ((closed: LinkClosed) => void) | undefined
  #early: LinkFrame[] = []
  #over: LinkClosed | undefined

  send(frame: LinkFrame): void {
    if (this.#over !== undefined) return
    queueMicrotask(() => this.peer?.take(frame))
  }

  onFrame(listener: (frame: LinkFrame) => void): void {
    this.#frame = listener
    for (const frame of this.#early.splice(0)) listener(frame)
  }

  onClose(listener: (closed: LinkClosed) => void): void {
    this.#closed = listener
    if (this.#over !== undefined) listener(this.#over)
  }

  close(closed: LinkClosed = { code: 'closed', reason: 'closed' }): void {
    this.end(closed)
    queueMicrotask(() => this.peer?.end(closed))
  }

  take(frame: LinkFrame): void {
    if (this.#over !== undefined) return
    if (this.#frame === undefined) this.#early.push(frame)
    else this.#frame(frame)
  }

  end(closed: LinkClosed): void {
    if (this.#over !== undefined) return
    this.#over = closed
    this.#closed?.(closed)
  }
}
