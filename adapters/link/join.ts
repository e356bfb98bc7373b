import type { Link } from '../../domain/mcp/link.ts'

/** Makes one link of two: frames and the end of each go on over the other. `signal` ends both, as lost. */
export const joinLinks = (left: Link, right: Link, signal: AbortSignal): void => {
  const end = (): void => {
    for (const link of [left, right]) link.close({ code: 'lost', reason: 'mcpd is ending' })
  }
  const pass = (from: Link, to: Link): void => {
    from.onFrame((frame) => to.send(frame))
    from.onClose((closed) => {
      signal.removeEventListener('abort', end)
      to.close(closed)
    })
  }
  pass(left, right)
  pass(right, left)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
}
