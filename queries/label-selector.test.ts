import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CodedError } from '../domain/kernel/errors.ts'
import { matches, parseLabelSelector, type Requirement } from './label-selector.ts'

const show = (each: Requirement): string => {
  if ('values' in each) return `${each.key} ${each.operator} (${each.values.join(',')})`
  return each.operator === 'exists' ? each.key : `!${each.key}`
}
const key = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
const value = fc.stringMatching(/^[a-z0-9]{0,5}$/)
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({
    key,
    operator: fc.constantFrom('in' as const, 'notin' as const),
    values: fc.array(value, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ key, operator: fc.constantFrom('exists' as const, 'missing' as const) }),
)

describe('a label selector', () => {
  it('reads every form kubectl has', () => {
    expect(parseLabelSelector(' a=b , c!=d,e in (x, y),f notin (x),g,!h, example.com/i==j')).toEqual([
      { key: 'a', operator: 'in', values: ['b'] },
      { key: 'c', operator: 'notin', values: ['d'] },
      { key: 'e', operator: 'in', values: ['x', 'y'] },
      { key: 'f', operator: 'notin', values: ['x'] },
      { key: 'g', operator: 'exists' },
      { key: 'h', operator: 'missing' },
      { key: 'example.com/i', operator: 'in', values: ['j'] },
    ])
  })

  it('means no condition when it is empty', () => expect(parseLabelSelector(' ')).toEqual([]))

  it('holds for a missing label when it says != or notin, as in kubectl', () => {
    expect(matches(parseLabelSelector('a!=b,c notin (d)'), {})).toBe(true)
    expect(matches(parseLabelSelector('a!=b'), { a: 'b' })).toBe(false)
  })

  it('does not take what every object inherits for a label', () =>
    expect(matches(parseLabelSelector('constructor'), {})).toBe(false))

  it.each(['a=b,', 'a in x', 'a in (x', 'a=b)', '=b', 'a b', '!', 'a=b=c', 'a>1', 'a in ((x))'])('refuses %s', (text) =>
    expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ code: 'invalid-selector' })),
  )

  it('reads back what it was made of', () =>
    fc.assert(
      fc.property(fc.array(requirement, { minLength: 1, maxLength: 6 }), (all) => {
        expect(parseLabelSelector(all.map(show).join(','))).toEqual(all)
      }),
    ))

  it('answers any text with conditions or a coded error', () =>
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseLabelSelector(text)
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError)
        }
      }),
    ))
})
