import { describe, expect, it } from 'vitest'
import { checkPackage, folderName } from './package-name.ts'

describe('the name of a package', () => {
  it.each(['a', 'server-github', '@scope/name', '@scope/name.js', 'a_b', '0x'])('may be %s', (name) =>
    expect(() => checkPackage(name, undefined)).not.toThrow(),
  )

  it.each([
    '',
    '.',
    '..',
    '../a',
    './a',
    '/etc',
    'a/b',
    '@a/b/c',
    '@a',
    '@a/',
    '@/a',
    '@a/..',
    'A',
    'a b',
    'a@1.0.0',
    '-a',
    '--registry=http://x',
    'file:a',
    'git+ssh://a/b',
    'https://a/b.tgz',
    'github:a/b',
    'npm:a',
    'node_modules',
    '__proto__ ',
    'a\u0000',
    'а', // a Cyrillic letter
    'a'.repeat(215),
  ])('may not be %j', (name) =>
    expect(() => checkPackage(name, undefined)).toThrow('is not the name of an npm package'),
  )

  it('gives different folders for different names', () =>
    expect([folderName('@a/b-c'), folderName('@a-b/c')]).toEqual(['@a+b-c', '@a-b+c']))
})

describe('the version of a package', () => {
  it.each(['1.2.3', '^1', '~1.2', '1.x', '>=1 <3 || 5.0.0-beta.1', '*'])('may be %s', (version) =>
    expect(() => checkPackage('a', version)).not.toThrow(),
  )

  it.each(['latest', 'file:../a', 'git://a/b', 'npm:b@1', '1.2.3 --foo', '../1', `1.2.3-${'a'.repeat(300)}`])(
    'may not be %j',
    (version) => expect(() => checkPackage('a', version)).toThrow('neither a version'),
  )
})
