import { describe, expect, it } from 'vitest'
import type { LinkClosed } from './link.ts'
import { closeReason, linkCloseCode, linkClosedOf, MALFORMED_FRAME_CODE } from './link-codes.ts'

describe("a link's close codes", () => {
  it.each(Object.keys(linkCloseCode) as LinkClosed['code'][])('read %s back as it was', (code) => {
    expect(linkClosedOf(linkCloseCode[code], 'why')).toEqual({ code, reason: 'why' })
  })

  it('read every code that is not ours as lost, with a reason', () => {
    for (const code of [1001, 1006, 1009, 1011, 3000, 4999]) {
      expect(linkClosedOf(code, '').code).toBe('lost')
      expect(linkClosedOf(code, '').reason).not.toBe('')
    }
  })

  it('read a frame that was refused as closed', () => {
    expect(linkClosedOf(MALFORMED_FRAME_CODE, 'not JSON')).toEqual({ code: 'closed', reason: 'not JSON' })
  })
})

describe('a close reason', () => {
  it('fits into a close frame and is never cut inside a character', () => {
    for (const text of ['short', 'x'.repeat(500), '😀'.repeat(100), `a${'ü'.repeat(200)}`]) {
      const reason = closeReason(text)
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123)
      expect(text.startsWith(reason)).toBe(true)
      expect(() => encodeURIComponent(reason)).not.toThrow() // half a character would
    }
  })
})
