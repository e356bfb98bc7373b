import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lineSplitter } from './line-splitter.ts'

const split = (chunks: readonly Buffer[], maxBytes = 1_000_000) => {
  const lines: string[] = []
  const tooLong: string[] = []
  const splitter = lineSplitter({ maxBytes, onLine: (l) => lines.push(l), onTooLong: (l) => tooLong.push(l) })
  for (const chunk of chunks) splitter.push(chunk)
  return { lines, tooLong, rest: splitter.end() }
}
const text = (...chunks: string[]) => chunks.map((chunk) => Buffer.from(chunk))

describe('a line splitter', () => {
  it('gives every line of one chunk', () => expect(split(text('a\nb\n\nc\n')).lines).toEqual(['a', 'b', '', 'c']))

  it('joins a line that came in several chunks', () =>
    expect(split(text('{"a', '":', '1}\n')).lines).toEqual(['{"a":1}']))

  it('takes a carriage return before the newline away', () =>
    expect(split(text('a\r\nb\r', '\n\r\n')).lines).toEqual(['a', 'b', '']))

  it('gives back what stands behind the last newline when the stream ends', () =>
    expect(split(text('a\nhalf')).rest).toBe('half'))

  it('reports the start of a line that is too long once, and goes on with the next line', () =>
    expect(split(text('123', '456', '789', '0\nok\n'), 5)).toEqual({ lines: ['ok'], tooLong: ['12345'], rest: '' }))

  it('reports a line that is too long though it came whole', () =>
    expect(split(text('123456\nok\n'), 5)).toEqual({ lines: ['ok'], tooLong: ['12345'], rest: '' }))

  it('gives the same lines however the bytes are cut', () =>
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll(/[\r\n]/g, ''))),
        fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        (lines, sizes) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''))
          const chunks: Buffer[] = []
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const size = sizes[i % sizes.length] ?? 1
            chunks.push(bytes.subarray(at, at + size))
            at += size
          }
          expect(split(chunks)).toEqual({ lines, tooLong: [], rest: '' })
        },
      ),
    ))
})
