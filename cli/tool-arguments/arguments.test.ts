import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { CliError } from '../errors.ts'
import { argumentsOf, type GivenArguments } from './arguments.ts'
import { branchesOf } from './schema.ts'
import { depsWith } from './testing/deps.ts'

const inputSchema: JsonObject = {
  type: 'object',
  properties: {
    text: { type: 'string', description: 'What to say' },
    count: { type: 'integer', minimum: 1 },
    ratio: { type: 'number' },
    loud: { type: 'boolean' },
    nothing: { type: 'null' },
    state: { enum: ['open', 'closed', 3] },
    tags: { type: 'array', items: { type: 'string' } },
    sizes: { type: 'array', items: { type: 'integer' } },
    rows: { type: 'array', items: { type: 'array', items: { type: 'integer' } } },
    pair: { type: 'array', prefixItems: [{ type: 'string' }, { type: 'integer' }] },
    maybe: { type: ['string', 'null'] },
    either: { anyOf: [{ type: 'integer' }, { type: 'string' }] },
    idOrIds: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
    filter: { $ref: '#/$defs/filter' },
    env: { type: 'object', additionalProperties: { type: 'string' } },
    picture: { type: 'string', contentEncoding: 'base64' },
    'dotted.name': { type: 'string' },
    when: { type: 'string', format: 'date' },
  },
  $defs: {
    filter: {
      type: 'object',
      properties: {
        state: { enum: ['open', 'closed'] },
        limit: { type: 'integer', default: 10 },
        not: { $ref: '#/$defs/filter' },
      },
      additionalProperties: false,
    },
  },
}
const tool = { name: 'search', inputSchema }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-args-'))
  await writeFile(join(folder, 'notes.txt'), 'one\ntwo\n')
  await writeFile(join(folder, 'filter.json'), '{"state": "open"}\n')
  await writeFile(join(folder, 'raw'), Buffer.from([0, 159, 146, 150]))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const given = (args: readonly string[], more: Partial<GivenArguments> = {}): GivenArguments => ({
  args: args.map((each) => each.replace('$', folder)),
  json: undefined,
  check: true,
  ...more,
})
const read = (args: readonly string[], more: Partial<GivenArguments> = {}, schema = inputSchema) =>
  argumentsOf(depsWith(undefined).deps, { ...tool, inputSchema: schema }, given(args, more))

describe('an argument has the type that the schema says', () => {
  it.each<[string, JsonObject]>([
    ['text=5', { text: '5' }],
    ['text="quoted"', { text: '"quoted"' }],
    ['text=a=b', { text: 'a=b' }],
    ['text=', { text: '' }],
    ['text=@@ada', { text: '@ada' }],
    ['text=@', { text: '@' }],
    ['count=5', { count: 5 }],
    ['count=5.0', { count: 5 }],
    ['ratio=1e-3', { ratio: 0.001 }],
    ['ratio=2', { ratio: 2 }],
    ['loud=false', { loud: false }],
    ['nothing=null', { nothing: null }],
    ['state=open', { state: 'open' }],
    ['state=3', { state: 3 }],
    ['tags=["a","b"]', { tags: ['a', 'b'] }],
    ['tags=a', { tags: ['a'] }],
    ['tags=5', { tags: ['5'] }],
    ['tags=[]', { tags: [] }],
    ['tags=[x', { tags: ['[x'] }],
    ['sizes=5', { sizes: [5] }],
    ['rows=[[1,2],[3]]', { rows: [[1, 2], [3]] }],
    ['pair=["a",1]', { pair: ['a', 1] }],
    ['maybe=null', { maybe: null }],
    ['maybe="null"', { maybe: 'null' }],
    ['maybe=text', { maybe: 'text' }],
    ['either=7', { either: 7 }],
    ['either="7"', { either: '7' }],
    ['idOrIds=a', { idOrIds: 'a' }],
    ['idOrIds=["a"]', { idOrIds: ['a'] }],
    ['filter={"state":"open"}', { filter: { state: 'open' } }],
    ['filter.state=open', { filter: { state: 'open' } }],
    ['filter.not.not.limit=3', { filter: { not: { not: { limit: 3 } } } }],
    ['env.PATH=/bin:/usr/bin', { env: { PATH: '/bin:/usr/bin' } }],
    ['env.a.b=c', { env: { 'a.b': 'c' } }],
    ['env.__proto__=x', { env: JSON.parse('{"__proto__": "x"}') }],
    ['dotted.name=x', { 'dotted.name': 'x' }],
    ['text=@$/notes.txt', { text: 'one\ntwo\n' }],
    ['text=@-', { text: 'from stdin' }],
    ['filter=@$/filter.json', { filter: { state: 'open' } }],
    ['picture=@$/raw', { picture: 'AJ+Slg==' }],
  ])('%s', async (arg, expected) => {
    expect(await read([arg])).toEqual(expected)
  })

  it('is a list where it is given more than once', async () => {
    expect(await read(['tags=a', 'tags=[1]', 'sizes=1', 'sizes=2', 'rows=[1]', 'rows=[2]'])).toEqual({
      tags: ['a', '[1]'],
      sizes: [1, 2],
      rows: [[1], [2]],
    })
    expect(await read(['pair=x', 'pair=2', 'idOrIds=a', 'idOrIds=b'])).toEqual({ pair: ['x', 2], idOrIds: ['a', 'b'] })
  })

  it('comes over what is given as JSON, a member at a time', async () => {
    const json = '{"text": "a", "filter": {"state": "open", "limit": 1}}'
    expect(await read(['filter.limit=2', 'count=1'], { json })).toEqual({
      text: 'a',
      filter: { state: 'open', limit: 2 },
      count: 1,
    })
    expect(await read([], { json: `@${folder}/filter.json` }, {})).toEqual({ state: 'open' })
  })

  it('is JSON or a text where the tool has no schema, and nothing is checked where nobody wants it', async () => {
    expect(await read(['a=5', 'b=x', 'c.d=true'], {}, {})).toEqual({ a: 5, b: 'x', c: { d: true } })
    expect(await read(['count=0', 'nobody.knows=1'], { check: false })).toEqual({ count: 0, nobody: { knows: 1 } })
  })
})

describe('what does not fit is a wrong usage that says what would', () => {
  it.each<[readonly string[], string, string, string?]>([
    [['count=x'], 'argument-invalid', '--arg count must be integer'],
    [['count=1.5'], 'argument-invalid', '--arg count must be integer'],
    [['count=0'], 'argument-invalid', 'count: must be >= 1'],
    [['count=99999999999999999999'], 'argument-invalid', 'more digits than JSON keeps'],
    [['loud=yes'], 'argument-invalid', '--arg loud must be boolean', 'true or false'],
    [['state=opne'], 'argument-invalid', 'state: must be one of open, closed, 3. Did you mean "open"?'],
    [['sizes=1', 'sizes=x'], 'argument-invalid', '--arg sizes[1] must be integer'],
    [['text=a', 'text=b'], 'argument-invalid', '--arg text is given 2 times, but it is string'],
    [['tags=[1]'], 'argument-invalid', 'tags.0: must be string'],
    [['filter.state=shut'], 'argument-invalid', 'filter.state: must be one of open, closed'],
    [['filter={"limti":1}'], 'argument-unknown', 'the tool has no argument filter.limti'],
    [['filter.limti=1'], 'argument-unknown', 'the tool has no argument filter.limti', 'Did you mean "limit"?'],
    [['txet=a'], 'argument-unknown', 'the tool has no argument txet', 'Did you mean "text"?'],
    [['zzzzzzzz=a'], 'argument-unknown', 'the tool has no argument zzzzzzzz', 'It takes: text, count'],
    [['text.more=a'], 'usage', 'text has no members, it is string'],
    [['filter=5'], 'argument-invalid', '--arg filter must be object', 'by dots'],
    [['text'], 'usage', '--arg wants KEY=VALUE'],
    [['text=@/nowhere/at-all'], 'cannot-read', 'there is no such file', '@@'],
    [['text=@/tmp'], 'cannot-read', 'it is a folder'],
    [['text=@$/raw'], 'usage', 'it is no text'],
    [['text=@-', 'maybe=@-'], 'usage', 'only once'],
    [['when=tomorrow'], 'argument-invalid', 'when: must match format "date"'],
  ])('%j', async (args, code, message, hint) => {
    const error = await read(args).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(CliError)
    if (!(error instanceof CliError)) return
    const text = [error.message, ...error.fields.map((field) => `${field.path}: ${field.message}`)].join('\n')
    expect([error.code, error.exit, text]).toEqual([code, 2, expect.stringContaining(message)])
    if (hint !== undefined) expect(error.hint).toContain(hint)
    for (const [, value = ''] of args.map((each) => each.split('=')))
      if (value.length > 8) expect(text).not.toContain(value.replace(/^@/, '\u0000'))
  })

  it('says which alternative was nearly met', async () => {
    const shape = {
      oneOf: [
        { type: 'object', properties: { kind: { const: 'circle' }, r: { type: 'number' } }, required: ['kind', 'r'] },
        { type: 'object', properties: { kind: { const: 'box' }, w: { type: 'number' } }, required: ['kind', 'w'] },
      ],
    }
    const schema = { type: 'object', properties: { shape } }
    const error = await read([], { json: '{"shape": {"kind": "box", "w": "wide"}}' }, schema).catch((thrown) => thrown)
    expect(error.fields).toMatchObject([{ path: 'shape.w', message: 'must be number' }])
  })

  it('names what is missing, or asks for it on a terminal', async () => {
    const schema = { ...inputSchema, required: ['text', 'count'] }
    await expect(read([], {}, schema)).rejects.toMatchObject({
      code: 'argument-missing',
      message: 'search needs text, count',
      fields: [{ message: 'is missing: string, What to say' }, { message: 'is missing: integer' }],
      hint: 'Give --arg text=… --arg count=…',
    })
    const { deps } = depsWith({ 'text (string; What to say)': '7', 'count (integer)': '7' })
    expect(await argumentsOf(deps, { ...tool, inputSchema: schema }, given([]))).toEqual({ text: '7', count: 7 })
    const silent = argumentsOf(depsWith({}).deps, { ...tool, inputSchema: schema }, given([]))
    await expect(silent).rejects.toMatchObject({ code: 'argument-missing' })
  })

  it('reads standard input once', async () => {
    await expect(read(['text=@-'], { json: '@-' })).rejects.toMatchObject({
      message: expect.stringContaining('only once'),
    })
  })

  it('gives no hint that --arg would not take', async () => {
    const edits = { type: 'array', items: { type: 'object', required: ['to'] } }
    await expect(read(['edits={}'], {}, { properties: { edits } })).rejects.toMatchObject({
      code: 'argument-missing',
      message: 'search needs edits.0.to',
      hint: undefined,
    })
  })

  it('sends what cannot be checked, and says so', async () => {
    const broken = { type: 'object', properties: { a: { $ref: '#/$defs/missing' } } }
    const { deps, notes } = depsWith(undefined)
    expect(await argumentsOf(deps, { ...tool, inputSchema: broken }, given(['a=5']))).toEqual({ a: 5 })
    expect(notes).toEqual([expect.stringContaining('go unchecked')])
  })

  it('does not take for ever, whatever the schema is', async () => {
    const slow = { type: 'object', properties: { a: { type: 'string', pattern: '^(a+)+$' } } }
    const { deps, notes } = depsWith(undefined)
    const endless = `${'a'.repeat(40)}!`
    expect(await argumentsOf(deps, { ...tool, inputSchema: slow }, given([`a=${endless}`]))).toEqual({ a: endless })
    expect(notes).toEqual([expect.stringContaining('it takes too long')])
    await expect(read([`${endless}=5`], {}, { properties: {}, patternProperties: { '^(a+)+$': {} } })).rejects.toThrow()
    for (const word of ['anyOf', 'allOf', 'oneOf']) {
      const many = { [word]: Array.from({ length: 20 }, () => ({ $ref: '#' })) }
      expect(branchesOf({ schema: many, root: many }).length).toBeGreaterThan(0)
    }
  })

  it('follows references in a circle without end', async () => {
    const schema = {
      properties: { a: { $ref: '#/$defs/a' } },
      $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } },
    }
    expect(await read(['a=5'], { check: false }, schema)).toEqual({ a: 5 })
    await expect(read(['a.b.c=5'], {}, schema)).resolves.toBeDefined()
  })
})
