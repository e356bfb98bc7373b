import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Document, LineCounter } from 'yaml'
import { createRegistry } from '../domain/kernel/registry.ts'
import { kinds } from '../domain/registry.ts'
import { CliError } from './errors.ts'
import { documentsOf } from './manifest/documents.ts'
import { parseSource } from './manifest/parse.ts'
import { flawsOf } from './manifest/validate.ts'
import { jsonpath } from './output/jsonpath.ts'
import { toYaml } from './output/yaml.ts'
import { World } from './testing/world.ts'
import { verbs } from './verbs.ts'

const registry = createRegistry(kinds)
const read = (text: string) => {
  const { resources, flaws } = parseSource({ file: 'f', text }, registry)
  return [...flaws, ...resources.flatMap(flawsOf)]
}

const GOOD = `apiVersion: mcpctl/v1
kind: server
metadata:
  name: a
  labels: { team: core }
spec:
  packageName: '@scope/name'
  args: [--port, "80"]
  env:
    - name: KEY
      valueFrom: { secretRef: { name: s, key: K } }
---
servers:
  - { name: b, command: x }
projects:
  - name: p
    servers: [{ name: a }, { name: b }]
`

/** The good manifest with a few pieces cut out or put in. */
const mutated = fc
  .array(
    fc.record({
      at: fc.nat(GOOD.length),
      cut: fc.nat(8),
      put: fc.oneof(
        fc.constantFrom(...'{}[]:-,&*!|>\'"%@`#? \n\t\u0000'),
        fc.string({ maxLength: 4 }),
        fc.constant('__proto__: '),
      ),
    }),
    { minLength: 1, maxLength: 4 },
  )
  .map((cuts) => cuts.reduce((text, { at, cut, put }) => text.slice(0, at) + put + text.slice(at + cut), GOOD))

describe('whatever stands in a manifest', () => {
  it('is a resource or a flaw with a place, never a crash: mutated YAML', () => {
    expect(read(GOOD)).toEqual([])
    fc.assert(
      fc.property(mutated, (text) => {
        for (const { place } of read(text)) expect(Math.min(place.line, place.column)).toBeGreaterThan(0)
      }),
      { numRuns: 2000 },
    )
  })

  it('is a resource or a flaw with a place, never a crash: any JSON', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(...kinds.flatMap(({ kind, plural }) => [kind, plural, `${kind}List`])),
    )
    const resource = fc.record(
      { kind: odd, metadata: fc.oneof(odd, fc.record({ name: odd, labels: odd })), spec: odd, items: odd },
      { requiredKeys: [] },
    )
    const group = fc.dictionary(
      fc.constantFrom(...kinds.map(({ plural }) => plural), '__proto__'),
      fc.oneof(odd, fc.array(fc.record({ name: odd, command: odd, labels: odd }, { requiredKeys: [] }))),
    )
    fc.assert(
      fc.property(fc.oneof(odd, resource, group), (value) => {
        for (const { place } of read(JSON.stringify(value))) expect(place.line).toBeGreaterThan(0)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('whatever is printed as YAML', () => {
  it('is read as what it was, and holds nothing that a terminal obeys', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('<<', '\u202e', '\u001b[2J', 'a\r\nb', '\\x1b'),
    )
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 3 }, text, fc.jsonValue(), fc.array(tie('any')), fc.dictionary(text, tie('any'))),
    })).any
    fc.assert(
      fc.property(value, (given) => {
        const same = JSON.parse(JSON.stringify({ given }))
        const printed = toYaml(same)
        expect(printed.replace(/[\n\t]/g, '')).not.toMatch(/[\p{Cc}\u202a-\u202e]/u)
        const [document] = [documentsOf(printed, new LineCounter())].flat()
        expect(document instanceof Document ? document.toJS() : document).toEqual(same)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('whatever stands in a jsonpath', () => {
  it('is a text or a wrong usage', () => {
    const part = fc.constantFrom(
      '{',
      '}',
      '.items',
      '[*]',
      '[0]',
      '.metadata',
      '.name',
      '..',
      'range ',
      'end',
      '"',
      "'",
      '\\n',
      '[?(@.a==1)]',
      '@',
      '$',
      ' ',
      '[',
      ']',
      '(',
      ')',
      '`',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        try {
          expect(typeof jsonpath(parts.join(''), { items: [{ metadata: { name: 'a' }, a: 1 }] })).toBe('string')
        } catch (error) {
          expect(error).toBeInstanceOf(CliError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('whatever stands on a command line', () => {
  const world = new World()
  beforeAll(() => world.start())
  afterAll(() => world.stop())

  it('has an exit code and is no bug', async () => {
    const names = verbs.map(({ path }) => path).filter((path) => !['up', 'mcp', 'call'].includes(path))
    const word = fc.oneof(
      fc.constantFrom(
        'server',
        'servers/a',
        'secret/',
        'all',
        '-o',
        'json',
        'yaml',
        '-f',
        '-',
        '--',
        '-l',
        'a=b',
        '--set',
        'x=1',
        '--help',
        '-h',
        '--server',
        '--no-wait',
        '--tail',
        '-1',
        '--output=',
        '-o=',
        '__proto__',
        'constructor',
      ),
      fc.string({ maxLength: 6 }),
    )
    const line = fc.tuple(fc.constantFrom(...names), fc.array(word, { maxLength: 4 }))
    await fc.assert(
      fc.asyncProperty(line, async ([path, words]) => {
        // A watch or a followed log would not end.
        const argv = [...path.split(' '), ...words.filter((each) => !/^-[a-z]*[wf]|^--(w|f)/.test(each))]
        const { code, err } = await world.run(argv, { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } })
        expect([0, 1, 2, 3, 4]).toContain(code)
        expect(err).not.toContain('bug in mcpctl')
      }),
      { numRuns: 200 },
    )
  })
})
