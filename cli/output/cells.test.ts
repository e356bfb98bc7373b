import { expect, it } from 'vitest'
import { cut, pad, widthOf, wrap } from './cells.ts'
import { table } from './table.ts'

it('cells are counted as a terminal does', () => {
  expect(['abc', 'é…', '你好', '🎉', 'e\u0301'].map(widthOf)).toEqual([3, 2, 4, 2, 1])
  for (const text of ['abc', '你好世界你好', 'a🎉b🎉c🎉', ''])
    for (const width of [1, 2, 3, 7]) expect([text, width, widthOf(pad(text, width))]).toEqual([text, width, width])
})

it('cells are not exceeded by a cut or wrapped line, and none is lost by wrapping', () => {
  expect(cut('你好世界', 5)).toBe('你好…')
  const lines = wrap('the quick 你好世界 fox jumps-over-the-very-lazy-dog again', 10)
  for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(10)
  expect(lines.join('').replaceAll(' ', '')).toBe('thequick你好世界foxjumps-over-the-very-lazy-dogagain')
})

it('columns of a table stand below each other, whatever is in them', () => {
  const lines = table(
    ['NAME', 'B'],
    [
      ['你好', 'x'],
      ['e\u0301', 'x'],
      ['plain', 'x'],
    ],
  )
    .trimEnd()
    .split('\n')
  expect(lines.slice(1).map((line) => widthOf(line))).toEqual([9, 9, 9])
})
