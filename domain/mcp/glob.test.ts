import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileGlob, globFlaw, plainName, starOf } from './glob.ts'

describe('a glob', () => {
  it.each([
    ['*', ['', 'a', 'a/b.c'], []],
    ['get_*', ['get_', 'get_user'], ['get', 'forget_me']],
    ['*_user', ['get_user', '_user'], ['user', 'get_users']],
    ['a*b*c', ['abc', 'aXbYc', 'abbcc'], ['ab', 'acb']],
    ['drop?', ['drop1', 'drop😀'], ['drop', 'drop12']],
    ['[abx-z]1', ['a1', 'y1'], ['c1', '1']],
    ['[!ab]1', ['c1'], ['a1']],
    ['{get,list}_*', ['get_x', 'list_x'], ['put_x', '{get,list}_x']],
    ['{a,b{c,d}}e', ['ae', 'bce', 'bde'], ['be', 'bcde']],
    ['a\\*', ['a*'], ['ab']],
    ['[*?]', ['*', '?'], ['a']],
    ['!a', ['!a'], ['b']],
    ['.x', ['.x'], ['x']],
  ])('%s', (glob, matching, others) => {
    expect(globFlaw(glob)).toBeUndefined()
    const isMatch = compileGlob(glob)
    expect(matching.filter((name) => !isMatch(name))).toEqual([])
    expect(others.filter(isMatch)).toEqual([])
  })

  it.each([
    ['[ab', 'has a "[" without its "]"'],
    ['ab]', 'has a "]" without its "["'],
    ['{a,b', 'has a "{" without its "}"'],
    ['a}', 'has a "}" without its "{"'],
    ['[]', 'has an empty "[]"'],
    ['[z-a]', 'has the range "z-a", which is the wrong way round'],
    ['a\\', 'ends in a "\\" with nothing behind it'],
    ['{a,b}'.repeat(7), 'stands for more than 64 alternatives'],
  ])('%s is broken, and matches nothing but itself', (glob, flaw) => {
    expect(globFlaw(glob)).toBe(flaw)
    expect([compileGlob(glob)(glob), compileGlob(glob)('a')]).toEqual([true, false])
  })

  it('without wildcards is a plain name', () =>
    expect(['get_user', 'a\\*', 'a*', '{a,b}', '[a]'].map(plainName)).toEqual([
      'get_user',
      'a*',
      undefined,
      undefined,
      undefined,
    ]))

  it('with one * as its only wildcard tells what that stands for', () => {
    expect(['get_user', 'get_', 'put'].map((name) => starOf('get_*')?.(name))).toEqual(['user', '', undefined])
    expect(starOf('*a*') ?? starOf('a?*') ?? starOf('{a,b}*') ?? starOf('a')).toBeUndefined()
    expect(starOf('aba*aba')?.('aba')).toBeUndefined() // both ends may not share characters
  })

  it('of stars takes no longer the more there are', () => {
    expect(compileGlob(`${'*a'.repeat(100)}*b`)('a'.repeat(10_000))).toBe(false)
  })

  it('made of a name, with stars in place of parts of it, matches the name', () =>
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_./-]{1,40}$/), fc.nat(39), fc.nat(39), (name, a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)]
        expect(compileGlob(`${name.slice(0, from)}*${name.slice(to)}`)(name)).toBe(true)
        expect(compileGlob(name)(name)).toBe(true)
      }),
    ))

  it('is compiled whatever it is', () =>
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'ab*?[]{},!-\\') }), fc.string(), (glob, name) => {
        expect(typeof compileGlob(glob)(name)).toBe('boolean')
      }),
    ))
})
