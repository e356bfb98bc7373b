import fc from 'fast-check'
import { parse } from 'jsonc-parser'
import { describe, expect, it } from 'vitest'
import { isCode } from '../../errors.ts'
import { applied, inverted } from './edit.ts'
import { mergeEntry, openDocument, putEntry, removeEntry } from './open.ts'

const FIELDS = { command: 'mcpctl', args: ['mcp', '-p', 'demo'] }
const PATH = ['mcpServers', 'demo']
const source = (text: string) => ({ format: 'json' as const, file: 'f.json', text })
const put = (text: string): string => putEntry(source(text), PATH, { fields: FIELDS }).text

it('an entry with comments is put back into a file that has it no longer', () => {
  const { text } = putEntry(source('{}'), PATH, { source: '{ // mine\n "command": "x", }' })
  expect(JSON.parse(text)).toEqual({ mcpServers: { demo: { command: 'x' } } })
})

describe('an entry is written in the manner of the file', () => {
  const ENTRY = '{\n      "command": "mcpctl",\n      "args": ["mcp", "-p", "demo"]\n    }'
  it.each([
    ['nothing', '', `{\n  "mcpServers": {\n    "demo": ${ENTRY}\n  }\n}\n`],
    ['an empty object', '{}', `{\n  "mcpServers": {\n    "demo": ${ENTRY}\n  }\n}`],
    ['only a comment', '// mine\n', `// mine\n{\n  "mcpServers": {\n    "demo": ${ENTRY}\n  }\n}\n`],
    [
      'other settings, and no newline at the end',
      '{\n  "theme": "dark" // not light\n}',
      `{\n  "theme": "dark", // not light\n  "mcpServers": {\n    "demo": ${ENTRY}\n  }\n}`,
    ],
    [
      'an empty place for entries',
      '{\n  "mcpServers": {}\n}\n',
      `{\n  "mcpServers": {\n    "demo": ${ENTRY}\n  }\n}\n`,
    ],
    [
      'a place with nothing but a comment',
      '{\n  "mcpServers": {\n    // none yet\n  }\n}\n',
      `{\n  "mcpServers": {\n    // none yet\n    "demo": ${ENTRY}\n  }\n}\n`,
    ],
    [
      'entries with commas at the end and comments',
      '{\n  "mcpServers": {\n    "a": { "command": "x" }, // first\n    /* "b": {}, */\n  },\n}\n',
      `{\n  "mcpServers": {\n    "a": { "command": "x" }, // first\n    "demo": ${ENTRY},\n    /* "b": {}, */\n  },\n}\n`,
    ],
    [
      'all on one line',
      '{"mcpServers":{"a":{"command":"x"}}}',
      '{"mcpServers":{"a":{"command":"x"},"demo":{"command":"mcpctl","args":["mcp","-p","demo"]}}}',
    ],
    [
      'entries on one line',
      '{\n  "mcpServers": { "a": {} }\n}\n',
      '{\n  "mcpServers": { "a": {}, "demo": { "command": "mcpctl", "args": ["mcp", "-p", "demo"] } }\n}\n',
    ],
    [
      'Windows newlines, tabs and a byte order mark',
      '\ufeff{\r\n\t"mcpServers": {\r\n\t\t"a": {}\r\n\t}\r\n}\r\n',
      '\ufeff{\r\n\t"mcpServers": {\r\n\t\t"a": {},\r\n\t\t"demo": {\r\n\t\t\t"command": "mcpctl",\r\n\t\t\t"args": ["mcp", "-p", "demo"]\r\n\t\t}\r\n\t}\r\n}\r\n',
    ],
  ])('%s', (_, before, after) => {
    expect(put(before)).toBe(after)
  })

  it('and takes its lines and its comma with it when it goes', () => {
    for (const before of [
      '{\n  "mcpServers": {\n    "a": {}\n  }\n}\n',
      '{\n  "mcpServers": {\n    "a": {}, // first\n  },\n}\n',
      '{"mcpServers":{"a":{}}}',
      '{\n  "mcpServers": { "a": {} }\n}\n',
    ])
      expect(removeEntry(source(put(before)), PATH).text).toBe(before)
    const first = '{\n  "mcpServers": {\n    "demo": {}, "b": {},\n    "c": {}\n  }\n}\n'
    expect(removeEntry(source(first), PATH).text).toBe('{\n  "mcpServers": {\n    "b": {},\n    "c": {}\n  }\n}\n')
  })
})

describe('an entry that is ours', () => {
  it('keeps what the user added to it', () => {
    const before =
      '{\n  "mcpServers": {\n    "demo": {\n      "command": "mcpctl", // ours\n      "args": ["mcp", "-p", "demo"],\n      "timeout": 5000\n    }\n  }\n}\n'
    const fields = { url: 'http://x/projects/demo/mcp' }
    const { text } = mergeEntry(source(before), PATH, fields, ['command', 'args', 'url'])
    expect(text).toContain('// ours')
    expect(parse(text)).toEqual({ mcpServers: { demo: { timeout: 5000, ...fields } } })
  })

  it('needs no edit when it is so already, however it is written', () => {
    const before =
      '{ "mcpServers": { "demo": { "args": [ "mcp","-p","demo" ], "command": "mcpctl", "env": {"A":"b"} } } }'
    expect(mergeEntry(source(before), PATH, FIELDS, ['command', 'args']).edits).toEqual([])
  })
})

describe('a file that cannot be edited is refused with its place', () => {
  it.each([
    ['{\n  "a": 1,\n  oops\n}', 'f.json:3:3: it is no JSON (InvalidSymbol)'],
    ['{"a": 1', 'f.json:1:8: it is no JSON (CloseBraceExpected)'],
    ['[]', 'f.json:1:1: it is no JSON object'],
    ['{"mcpServers": []}', 'f.json:1:16: "mcpServers" is no object'],
    ['{"mcpServers": null}', 'f.json:1:16: "mcpServers" is no object'],
    ['{"mcpServers": {}, "mcpServers": {}}', 'f.json:1:20: "mcpServers" is there twice'],
    ['{"mcpServers": {"demo": {}, "demo": {}}}', 'f.json:1:29: "demo" is there twice'],
  ])('%s', (text, message) => {
    expect(() => put(text)).toThrow(message)
    try {
      put(text)
    } catch (error) {
      expect(isCode(error, 'bad-client-config')).toBe(true)
    }
  })
})

/** Prints data with white space, comments and commas at the end, as `choices` say. */
const printer = (choices: readonly number[], strict: boolean, newline: string) => {
  let [at, comments] = [0, 0]
  const next = (of: number): number => (choices[at++ % choices.length] ?? 0) % of
  const gap = (): string => {
    const comment = () => {
      comments += 1
      return next(2) === 0 ? `/* c${comments}${newline} " */` : `// c${comments}, {${newline}`
    }
    const parts = ['', ' ', newline, `${newline}    `, `${newline}\t`, ' ']
    return (parts[next(parts.length)] ?? '') + (!strict && next(4) === 0 ? comment() : '') + (next(3) === 0 ? ' ' : '')
  }
  const list = (items: readonly string[], open: string, close: string): string => {
    const body = items.map((each) => gap() + each + gap()).join(',')
    return open + body + (!strict && items.length > 0 && next(3) === 0 ? `,${gap()}` : gap()) + close
  }
  const print = (value: unknown): string => {
    if (Array.isArray(value)) return list(value.map(print), '[', ']')
    if (typeof value !== 'object' || value === null) return JSON.stringify(value)
    const members = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}${gap()}:${gap()}${print(each)}`)
    return list(members, '{', '}')
  }
  return (value: unknown) => gap() + print(value) + gap()
}

const key = fc
  .oneof(fc.constantFrom('a', 'b', 'other', 'env', 'command'), fc.string({ maxLength: 6 }))
  .filter((each) => each !== '__proto__')
const servers = fc.dictionary(
  key.filter((each) => each !== 'demo'),
  fc.jsonValue({ maxDepth: 3 }),
  { maxKeys: 4 },
)
const data: fc.Arbitrary<Record<string, unknown>> = fc
  .tuple(
    fc.dictionary(
      key.filter((each) => each !== 'mcpServers'),
      fc.jsonValue({ maxDepth: 2 }),
      { maxKeys: 4 },
    ),
    fc.option(servers),
    fc.boolean(),
  )
  .map(([rest, entries, first]) =>
    entries === null ? rest : first ? { mcpServers: entries, ...rest } : { ...rest, mcpServers: entries },
  )
const style = fc.tuple(
  fc.array(fc.nat(1000), { minLength: 7, maxLength: 60 }),
  fc.boolean(),
  fc.constantFrom('\n', '\r\n'),
  fc.boolean(),
)

const commentsOf = (text: string): string => (text.match(/c\d+/g) ?? []).join()

describe('for any document in any manner', () => {
  it('a new entry changes nothing else, takes nothing but white space away, and can be taken back to the byte', () => {
    fc.assert(
      fc.property(data, style, (root, [choices, strict, newline, bom]) => {
        const before = (bom ? '\ufeff' : '') + printer(choices, strict, newline)(root)
        const { text, edits } = putEntry(source(before), PATH, { fields: FIELDS })
        const read = strict
          ? JSON.parse(text.replace('\ufeff', ''))
          : parse(text.replace('\ufeff', ''), [], { allowTrailingComma: true })
        const entries = Object(root.mcpServers)
        expect(read).toEqual(JSON.parse(JSON.stringify({ ...root, mcpServers: { ...entries, demo: FIELDS } })))
        expect(edits.every(({ remove }) => remove.trim() === '')).toBe(true)
        expect(commentsOf(text)).toBe(commentsOf(before))
        expect(applied(text, inverted(edits))).toBe(before)
        const removed = removeEntry(source(text), PATH).text
        expect(commentsOf(removed)).toBe(commentsOf(before))
        expect(putEntry(source(removed), PATH, { fields: FIELDS }).text.length).toBeGreaterThan(0)
      }),
      { numRuns: 500 },
    )
  })

  it('replacing an entry, or its fields, touches nothing outside it', () => {
    fc.assert(
      fc.property(data, fc.jsonValue({ maxDepth: 2 }), style, (root, old, [choices, strict, newline]) => {
        const entries = Object(root.mcpServers)
        const before = printer(choices, strict, newline)({ ...root, mcpServers: { ...entries, demo: old } })
        const was = openDocument('json', before, 'f').source(PATH) ?? ''
        const [start, end] = before.split(was).length === 2 ? before.split(was) : [undefined, undefined]
        const whole = putEntry(source(before), PATH, { fields: FIELDS })
        if (start !== undefined && end !== undefined) {
          expect(whole.text.startsWith(start)).toBe(true)
          expect(whole.text.endsWith(end)).toBe(true)
        }
        expect(applied(whole.text, inverted(whole.edits))).toBe(before)
        const back = putEntry(source(whole.text), PATH, { source: was })
        expect(back.text).toBe(before)
        const merged = mergeEntry(source(whole.text), PATH, { url: 'http://x' }, ['command', 'args', 'url'])
        expect(parse(merged.text, [], { allowTrailingComma: true }).mcpServers.demo).toEqual({ url: 'http://x' })
        expect(applied(merged.text, inverted(merged.edits))).toBe(whole.text)
      }),
      { numRuns: 300 },
    )
  })
})
