import type { LinkClosed, LinkFrame } from '../../domain/mcp/link.ts'

/** Most frames that wait at an end whose user has not said yet what to do with them. */
export const MAX_WAITING_FRAMES = 10_000

/** The receiving half of a link's end: keeps what comes early, and tells of the close once, after the frames before it. */
export interface Inbox {
  /** @returns false when too many frames wait */
  push(frame: LinkFrame): boolean
  onFrame(listener: (frame: LinkFrame) => void): void
  onClose(listener: (closed: LinkClosed) => void): void
  /** Nothing is taken after this. What was pushed before is still delivered if `deliver` is true. */
  close(closed: LinkClosed, options: { deliver: boolean }): void
  readonly closed: LinkClosed | undefined
}

/**
 * Frames are handed over in a microtask: in order, and never inside the call that sent them, so that an answer cannot
 * overtake the code that asked.
 */
export const createInbox = (): Inbox => {
  let waiting: LinkFrame[] = []
  let scheduled = false
  let frameListener: ((frame: LinkFrame) => void) | undefined
  let closeListener: ((closed: LinkClosed) => void) | undefined
  let closed: LinkClosed | undefined
  let told = false

  const schedule = () => {
    if (scheduled) return
    scheduled = true
    queueMicrotask(handOver)
  }

  const handOver = () => {
    scheduled = false
    if (frameListener !== undefined) deliver(frameListener)
    if (closed === undefined || told || closeListener === undefined) return
    told = true
    closeListener(closed)
  }

  const deliver = (listener: (frame: LinkFrame) => void) => {
    const frames = waiting
    waiting = []
    let next = 0
    try {
      while (next < frames.length) {
        const frame = frames[next++]
        if (frame !== undefined) listener(frame)
      }
    } finally {
      // Only when a listener threw: the frames behind are still to come.
      if (next < frames.length) {
        waiting = [...frames.slice(next), ...waiting]
        schedule()
      }
    }
  }

  return {
    push(frame) {
      if (closed !== undefined) return true
      if (waiting.length >= MAX_WAITING_FRAMES) return false
      waiting.push(frame)
      schedule()
      return true
    },
    onFrame(listener) {
      frameListener = listener
      schedule()
    },
    onClose(listener) {
      closeListener = listener
      schedule()
    },
    close(why, { deliver: keep }) {
      if (closed !== undefined) return
      closed = why
      if (!keep) waiting = []
      schedule()
    },
    get closed() {
      return closed
    },
  }
}
