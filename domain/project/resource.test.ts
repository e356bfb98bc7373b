import { describe, expect, it } from 'vitest'
import { project, projectSpec } from './resource.ts'

const flawsOf = (tools: object, more: object = {}): unknown => {
  const { error } = projectSpec.safeParse({ servers: [{ name: 'files', tools }], ...more })
  return error?.issues.map(({ path, message }) => `${path.slice(3).join('.')}: ${message}`)
}

describe('rules of tools', () => {
  it('are fine when names and globs are', () =>
    expect(
      flawsOf({
        allow: ['read_*', '{list,get}_?', '[a-c]x'],
        deny: ['*_admin'],
        rename: { read_file: 'look', 'get_*': 'fetch_*', 'x?': 'y' },
        describe: { read_file: 'Reads', '*': 'Of our documents' },
      }),
    ).toBeUndefined())

  it('are refused with a broken glob, wherever it stands', () =>
    expect(flawsOf({ allow: ['a', '[b'], deny: ['{c'], rename: { 'd]': 'd' }, describe: { 'e\\': 'e' } })).toEqual([
      'allow.1: "[b" has a "[" without its "]"; a "\\" before a character takes it as it is',
      'deny.0: "{c" has a "{" without its "}"; a "\\" before a character takes it as it is',
      'describe.e\\: "e\\" ends in a "\\" with nothing behind it; a "\\" before a character takes it as it is',
      'rename.d]: "d]" has a "]" without its "["; a "\\" before a character takes it as it is',
    ]))

  it.each(['', 'a b', 'a.b', 'ü', 'x'.repeat(65), 'a*b*c'])('give no tool the name %j', (name) =>
    expect(flawsOf({ rename: { 'a*': name } }, { namespacing: 'auto' })).toHaveLength(1),
  )

  it('take a * in a new name only where one * of the glob can fill it', () =>
    expect(flawsOf({ rename: { a: 'b_*', 'c*d*': 'e_*', 'f?*': 'g_*', 'h*': 'i_*' } })).toEqual([
      'rename.a: has a "*", which only a pattern with one "*" and no other wildcard can fill: "a" is none',
      'rename.c*d*: has a "*", which only a pattern with one "*" and no other wildcard can fill: "c*d*" is none',
      'rename.f?*: has a "*", which only a pattern with one "*" and no other wildcard can fill: "f?*" is none',
    ]))

  it('give no two tools the same name', () =>
    expect(flawsOf({ rename: { a: 'x', b: 'y', c: 'x' } })).toEqual([
      'rename.c: is "x", to which a is renamed already',
    ]))

  it('give no name that is too long with its server before it, where it always has that', () => {
    const rename = { a: 'x'.repeat(58) }
    expect(flawsOf({ rename })).toEqual(['rename.a: is 65 characters with "files__" before it, 64 at most'])
    expect(flawsOf({ rename }, { namespacing: 'auto' })).toBeUndefined()
  })
})

it('what was declared before a rule was refused can still be read', () => {
  const spec = { servers: [{ name: 'a', tools: { deny: ['[x'] } }], namespacing: 'always' }
  const [declared] = project.events
  const data = { uid: '8f0c7a52-1111-4222-8333-444455556666', spec, labels: {} }
  expect(declared?.schema.safeParse(data).success).toBe(true)
  expect(projectSpec.safeParse(spec).success).toBe(false)
})
