import { describe, expect, it } from 'vitest'
import { type Folds, MAX_LINES, treeLines } from './json-tree.ts'

const none: Folds = new Map()
const shown = (value: unknown, folds = none, width = 80) =>
  treeLines(value, folds, width).map(({ depth, name, text, fold }) =>
    [' '.repeat(depth), fold === undefined ? '' : fold === 'open' ? 'v ' : '> ', name ?? '', '=', text].join(''),
  )

describe('a value as lines', () => {
  it('has its members below it, in their order', () => {
    expect(shown({ z: 1, a: [true, null], e: {}, s: 'x' })).toEqual([
      'v ={4}',
      ' z=1',
      ' v a=[2]',
      '  0=true',
      '  1=null',
      ' e={}',
      ' s="x"',
    ])
  })

  it('leaves out what is in a folded member, and shows how it begins', () => {
    const folds = new Map([[JSON.stringify(['a']), false]])
    expect(shown({ a: { b: 'text', c: [1] }, d: 2 }, folds)).toEqual(['v ={2}', ' > a={2} b: "text", c: …', ' d=2'])
  })

  it('folds what is deep or has very many members by itself', () => {
    expect(shown({ a: { b: { c: { d: { e: 1 } } } } }).at(-1)).toBe('    > d={1} e: 1')
    expect(shown({ many: Array.from({ length: 101 }, (_, i) => i) })).toEqual(['v ={1}', ' > many=[101] 0, 1, 2'])
  })

  it('unfolds a text into its lines, wrapped', () => {
    const value = { text: 'first line\nsecond line that is wider than what there is room for' }
    expect(shown(value)).toEqual(['v ={1}', ` > text=${JSON.stringify(value.text)}`])
    const lines = shown(value, new Map([[JSON.stringify(['text']), true]]), 38)
    expect(lines.slice(1)).toEqual([
      ' v text=text of 64 characters',
      '  =first line',
      '  =second line that is wider than',
      '  =what there is room for',
    ])
  })

  it('has a bound', () => {
    const big = Array.from({ length: 300 }, () => Array.from({ length: 99 }, (_, i) => i))
    const lines = treeLines(big, new Map([['[]', true]]), 80)
    expect(lines).toHaveLength(MAX_LINES + 1)
    expect(lines.at(-1)?.kind).toBe('more')
  })

  it('shows a very long line in pieces, all of it', () => {
    const text = 'x'.repeat(10_000)
    const lines = treeLines(text, new Map([['[]', true]]), 86)
    expect(
      lines
        .slice(1)
        .map((line) => line.text)
        .join(''),
    ).toBe(text)
  })
})
