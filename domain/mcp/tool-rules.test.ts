import { expect, it } from 'vitest'
import type { ToolRules } from './link.ts'
import { toolPolicy } from './tool-rules.ts'

const wantedBy = (rules: ToolRules | undefined) => toolPolicy(rules).wanted

it('without rules, every tool is offered under its own name', () => expect(wantedBy(undefined)('x')).toBe('x'))

it('allow offers what one of its globs matches, and nothing else', () => {
  const wanted = wantedBy({ allow: ['read_*', 'list'] })
  expect(['read_file', 'list', 'listing', 'write'].map(wanted)).toEqual(['read_file', 'list', undefined, undefined])
})

it('an empty allow offers nothing', () => expect(wantedBy({ allow: [] })('x')).toBeUndefined())

it('deny beats allow', () => {
  const wanted = wantedBy({ allow: ['*'], deny: ['*_admin', 'drop?'] })
  expect(['user', 'user_admin', 'drop1', 'drop12'].map(wanted)).toEqual(['user', undefined, undefined, 'drop12'])
})

it('globs match names whole, slashes, dots and dashes included', () => {
  const wanted = wantedBy({ allow: ['a*'] })
  expect(['a/b', 'a.b', 'ab', 'ba'].map(wanted)).toEqual(['a/b', 'a.b', 'ab', undefined])
})

it('rename takes the exact name before a glob', () => {
  const wanted = wantedBy({ rename: { 'get_*': 'fetch', get_user: 'whoami' } })
  expect(['get_user', 'get_repo', 'put'].map(wanted)).toEqual(['whoami', 'fetch', 'put'])
})

it('a tool called like a property of objects is nothing special', () => {
  const wanted = wantedBy({ rename: { a: 'b' } })
  expect(['constructor', '__proto__', 'toString'].map(wanted)).toEqual(['constructor', '__proto__', 'toString'])
})

it('rename by a glob with one * may say where in the new name goes what it stands for', () => {
  const wanted = wantedBy({ rename: { 'get_*': 'fetch_*', '*': 'gh_*', whoami: 'me' } })
  expect(['get_user', 'put', 'whoami', 'get_$&'].map(wanted)).toEqual(['fetch_user', 'gh_put', 'me', 'fetch_$&'])
})

it('describe takes the exact name before a glob, and says nothing of the others', () => {
  const { description } = toolPolicy({ describe: { 'get_*': 'gets', get_user: 'who you are' } })
  expect(['get_user', 'get_repo', 'put'].map(description)).toEqual(['who you are', 'gets', undefined])
})

it('rules are compiled once, and what is kept of names that clients make up is bounded', () => {
  const rules = { deny: ['x*'] }
  const policy = toolPolicy(rules)
  expect(toolPolicy(rules)).toBe(policy)
  for (let i = 0; i < 5_000; i++) policy.wanted(`x${i}`)
  expect([policy.wanted('x1'), policy.wanted('y')]).toEqual([undefined, 'y'])
})

it("a name longer than any tool has is not offered, and not compared: it may be a client's, of megabytes", () => {
  const wanted = wantedBy({ deny: Array.from({ length: 500 }, () => '*a*b*c') })
  expect([wanted('x'.repeat(1_024)), wanted('x'.repeat(1_025))]).toEqual(['x'.repeat(1_024), undefined])
  expect(wanted('ab'.repeat(8_000_000))).toBeUndefined()
})
