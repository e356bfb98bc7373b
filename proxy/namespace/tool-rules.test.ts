import { expect, it } from 'vitest'
import { compileToolRules } from './tool-rules.ts'

it('without rules, every tool is offered under its own name', () => expect(compileToolRules(undefined)('x')).toBe('x'))

it('allow offers what one of its globs matches, and nothing else', () => {
  const wanted = compileToolRules({ allow: ['read_*', 'list'] })
  expect(['read_file', 'list', 'listing', 'write'].map(wanted)).toEqual(['read_file', 'list', undefined, undefined])
})

it('an empty allow offers nothing', () => expect(compileToolRules({ allow: [] })('x')).toBeUndefined())

it('deny beats allow', () => {
  const wanted = compileToolRules({ allow: ['*'], deny: ['*_admin', 'drop?'] })
  expect(['user', 'user_admin', 'drop1', 'drop12'].map(wanted)).toEqual(['user', undefined, undefined, 'drop12'])
})

it('globs match names whole, slashes, dots and dashes included', () => {
  const wanted = compileToolRules({ allow: ['a*'] })
  expect(['a/b', 'a.b', 'ab', 'ba'].map(wanted)).toEqual(['a/b', 'a.b', 'ab', undefined])
})

it('rename takes the exact name before a glob', () => {
  const wanted = compileToolRules({ rename: { 'get_*': 'fetch', get_user: 'whoami' } })
  expect(['get_user', 'get_repo', 'put'].map(wanted)).toEqual(['whoami', 'fetch', 'put'])
})

it('a tool called like a property of objects is nothing special', () => {
  const wanted = compileToolRules({ rename: { a: 'b' } })
  expect(['constructor', '__proto__', 'toString'].map(wanted)).toEqual(['constructor', '__proto__', 'toString'])
})
