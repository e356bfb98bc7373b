import type { Link, LinkClosed } from '../../domain/mcp/link.ts'
import { createInbox, type Inbox } from './inbox.ts'

/**
 * Both ends of a link inside one process. Frames are passed as they are, never serialised: neither side may change one.
 *
 * @example
 * const [ours, theirs] = createLinkPair()
 * ours.send({ type: 'project', project })
 * theirs.onFrame((frame) => …)
 */
export const createLinkPair = (): readonly [Link, Link] => {
  const left = createInbox()
  const right = createInbox()
  return [end(left, right), end(right, left)]
}

const END: LinkClosed = { code: 'closed', reason: 'the link was closed' }

const end = (own: Inbox, peer: Inbox): Link => {
  const close = (closed: LinkClosed = END) => {
    own.close(closed, { deliver: false })
    peer.close(closed, { deliver: true })
  }
  return {
    send(frame) {
      if (own.closed !== undefined || peer.push(frame)) return
      close({ code: 'slow', reason: 'the peer did not take its frames' })
    },
    onFrame: own.onFrame,
    onClose: own.onClose,
    close,
  }
}
