import type { LinkClosed } from './link.ts'

/** WebSocket close codes of a link, in the range that the protocol leaves to applications. */
export const linkCloseCode = {
  /** Ended on purpose: the session is over. */
  closed: 4000,
  revoked: 4001,
  gone: 4002,
  slow: 4003,
  /** Ended for a reason that a new link may cure. */
  lost: 4004,
} as const satisfies Record<LinkClosed['code'], number>

/** The peer sent what is no frame; read as `closed`, for a repeat would be no better. */
export const MALFORMED_FRAME_CODE = 4005

/** Most bytes of UTF-8 in the reason of a WebSocket's close frame. */
const MAX_REASON_BYTES = 123

const codes = new Map<number, LinkClosed['code']>([
  [1000, 'closed'],
  [MALFORMED_FRAME_CODE, 'closed'],
  ...(['closed', 'revoked', 'gone', 'slow', 'lost'] as const).map((code) => [linkCloseCode[code], code] as const),
])

/**
 * What a WebSocket's close code and reason mean for the link. Every code that is not ours (1001 the peer goes away, 1006 the
 * connection broke, 1009 a frame was too big, 1011 an error) is `lost`.
 */
export const linkClosedOf = (code: number, reason: string): LinkClosed => ({
  code: codes.get(code) ?? 'lost',
  reason: reason === '' ? (defaultReason.get(code) ?? `the connection ended with code ${code}`) : reason,
})

const defaultReason = new Map([
  [1000, 'the peer ended the link'],
  [1001, 'the peer goes away'],
  [1005, 'the peer ended the connection'],
  [1006, 'the connection broke'],
  [1009, 'a frame was too big'],
])

/** A reason cut to what fits into a close frame, never inside a character. */
export const closeReason = (reason: string): string => {
  if (reason.length * 3 <= MAX_REASON_BYTES) return reason
  const encoder = new TextEncoder()
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_REASON_BYTES))
  return reason.slice(0, read)
}
