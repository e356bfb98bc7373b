import { describe, expect, it } from 'vitest'
import { safeLine, safeLines } from './safe-text.ts'

describe('text of a server', () => {
  it('is neutral, without the style of its emoji', () => expect(safeLine('⚠\ufe0f \x1b[2J')).toBe('⚠ \\x1b[2J'))

  it('stays what it is when it is made safe twice', () => {
    const once = safeLine('\x1b[2J\u202e')
    expect(safeLine(once)).toBe(once)
  })

  it('is bounded', () => expect(safeLine('x'.repeat(1_000_000)).length).toBeLessThan(5_000))

  it('of several lines is made safe line by line', () =>
    expect(safeLines('a\r\nb\tc\n\x1b[1m')).toEqual(['a', 'b  c', '\\x1b[1m']))
})
