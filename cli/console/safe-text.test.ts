import { describe, expect, it } from 'vitest'
import { cut, pad, widthOf, wrap } from './cells.ts'
import { safeLine, safeLines } from './safe-text.ts'

describe('text of a server', () => {
  it.each([
    ['\x1b[31mred\x1b[0m', '\\x1b[31mred\\x1b[0m'],
    ['a\u009b2Jb', 'a\\x9b2Jb'],
    ['one\ntwo\r\x07', 'one\\ntwo\\x0d\\x07'],
    ['abc\u202egnp.exe', 'abc\\u202egnp.exe'],
    ['\u061cx\u2066y', '\\u061cx\\u2066y'],
    ['zero\u200bwidth\u2060joined\ufeff', 'zero\\u200bwidth\\u2060joined\\ufeff'],
    ['tag\u{e0041}s', 'tag\\ue0041s'],
    ['half\ud800', 'half\\ud800'],
    ['line\u2028end', 'line\\u2028end'],
    ['a\u0301\u0302\u0303\u0304\u0305', 'a\u0301\u0302'],
    ['⚠\ufe0f careful', '⚠ careful'],
    ['x\ufe01\ufe02', 'x\\ufe01\\ufe02'],
  ])('%j is shown as %j', (text, shown) => expect(safeLine(text)).toBe(shown))

  it('stays as it is where it is harmless', () => {
    for (const text of ['plain', 'naïve café', '你好', 'здравствуй', '🎉 done']) expect(safeLine(text)).toBe(text)
  })

  it('stays what it is when it is made safe twice', () => {
    const once = safeLine('\x1b[2J\u202e')
    expect(safeLine(once)).toBe(once)
  })

  it('is bounded', () => expect(safeLine('x'.repeat(1_000_000)).length).toBeLessThan(5_000))

  it('of several lines is made safe line by line', () =>
    expect(safeLines('a\r\nb\tc\n\x1b[1m')).toEqual(['a', 'b  c', '\\x1b[1m']))
})

describe('cells', () => {
  it('are counted as a terminal does', () => {
    expect([widthOf('abc'), widthOf('你好'), widthOf('🎉')]).toEqual([3, 4, 2])
    for (const text of ['abc', '你好世界你好', 'a🎉b🎉c🎉', ''])
      for (const width of [1, 2, 3, 7]) expect([text, width, widthOf(pad(text, width))]).toEqual([text, width, width])
  })

  it('are not exceeded by a cut or wrapped line, and none is lost by wrapping', () => {
    expect(cut('你好世界', 5)).toBe('你好…')
    const lines = wrap('the quick 你好世界 fox jumps-over-the-very-lazy-dog again', 10)
    for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(10)
    expect(lines.join('').replaceAll(' ', '')).toBe('thequick你好世界foxjumps-over-the-very-lazy-dogagain')
  })
})
