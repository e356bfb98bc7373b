import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ReviewedProject, reviewTools } from './review.ts'

const review = (
  namespacing: ReviewedProject['namespacing'],
  tools: Readonly<Record<string, readonly string[]>>,
  rules: Readonly<Record<string, ReviewedProject['servers'][number]['tools']>> = {},
) =>
  reviewTools(
    { namespacing, servers: Object.keys(tools).map((name) => ({ name, tools: rules[name] })) },
    new Map(Object.entries(tools)),
  )
const lines = ({ names }: ReturnType<typeof review>) =>
  names.map(({ name, server, own, why }) => `${name} = ${server}/${own}: ${why}`)

describe('names that are noted', () => {
  it('are none where names are as they are, or always have their server', () => {
    expect(review('auto', { a: ['x'], b: ['y'] }).names).toEqual([])
    expect(review('always', { a: ['x'], b: ['x'] }).names).toEqual([])
    expect(review('never', { a: ['x'] }).names).toEqual([])
  })

  it('auto: those that two servers have, and those that look like another server’s', () =>
    expect(lines(review('auto', { a: ['x', 'b__y'], b: ['x', 'y'] }))).toEqual([
      'a__x = a/x: b has it, too',
      'a__b__y = a/b__y: begins with the name of server b',
      'b__x = b/x: a has it, too',
    ]))

  it('never: those that are hidden', () =>
    expect(lines(review('never', { a: ['x'], b: ['x'] }))).toEqual([
      'undefined = b/x: hidden: a has the name x, too, and is attached before',
    ]))

  it('are renamed, shortened, or told apart by a hash', () =>
    expect(
      lines(
        review(
          'always',
          { a: ['x', 'get.user', 'l'.repeat(80), 'p', 'q'] },
          { a: { rename: { x: 'z', '[pq]': 'r' } } },
        ),
      ),
    ).toEqual([
      'a__z = a/x: renamed',
      expect.stringMatching(/^a__get_user_[0-9a-f]{8} = a\/get.user: has characters that not all models take$/),
      expect.stringMatching(/^a__l{52}_[0-9a-f]{8} = a\/l+: is longer than 64 characters$/),
      'a__r = a/p: renamed',
      expect.stringMatching(/^a__r_[0-9a-f]{8} = a\/q: renamed; the name is taken$/),
    ]))
})

describe('warnings', () => {
  it('name rules that do nothing, of servers whose tools are known', () => {
    const rules = { allow: ['x*', 'no'], deny: ['xx', 'gone*'], rename: { xx: 'a', y: 'b' }, describe: { 'x?': 'c' } }
    expect(review('always', { a: ['x', 'xx', 'y'] }, { a: rules }).warnings).toEqual([
      'server a: allow "no" matches no tool',
      'server a: deny "gone*" matches no tool',
      'server a: rename "xx" matches no tool that is offered',
      'server a: rename "y" matches no tool that is offered',
      'server a: describe "x?" matches no tool that is offered',
    ])
    expect(reviewTools({ namespacing: 'always', servers: [{ name: 'a', tools: rules }] }, new Map()).warnings).toEqual(
      [],
    )
  })

  it('name tools that a rule gives one name', () =>
    expect(review('auto', { a: ['p', 'q', 'r', 's'] }, { a: { rename: { '*': 'same' } } }).warnings).toEqual([
      'server a: p, q, r, … all get the name "same"; a hash tells them apart',
    ]))

  it('are none for an allow that lets nothing through on purpose', () => {
    const nothing = review('always', { a: ['x'] }, { a: { allow: [] } })
    expect([nothing.warnings, nothing.offered.get('a')]).toEqual([[], 0])
  })
})

it('every tool is counted once, and noted names are those that clients see, whatever servers list', () =>
  fc.assert(
    fc.property(
      fc.constantFrom('always', 'auto', 'never'),
      fc.array(fc.string(), { maxLength: 8 }),
      fc.array(fc.constantFrom('a__x', 'b__x', 'x', 'get.x', 'x'.repeat(70)), { maxLength: 8 }),
      (namespacing, a, b) => {
        const { offered, names } = review(namespacing, { a, b })
        expect([offered.get('a'), offered.get('b')]).toEqual([new Set(a).size, new Set(b).size])
        for (const { name, why } of names) {
          expect(name ?? 'hidden').toMatch(/^[A-Za-z0-9_-]{1,64}$/)
          expect(why).not.toBe('')
        }
      },
    ),
  ))
