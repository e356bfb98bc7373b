import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from './cursor.ts'

describe('a cursor', () => {
  it('gives back the place it was made for', () =>
    expect(decodeCursor(encodeCursor('server', 'github'), 'server', /^.+$/)).toBe('github'))

  it('is refused by another list', () =>
    expect(() => decodeCursor(encodeCursor('server', 'github'), 'secret', /^.+$/)).toThrow(
      expect.objectContaining({ code: 'invalid-cursor' }),
    ))

  it('is refused when it is any other text', () =>
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor(text, 'server', /^[a-z]+$/)).toThrow(expect.objectContaining({ status: 400 }))
      }),
    ))
})
