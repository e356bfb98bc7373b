import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject, JsonValue } from '../../domain/kernel/json.ts'
import { CliError } from '../errors.ts'
import { argumentsOf } from './arguments.ts'
import { depsWith } from './testing/deps.ts'

const flags = { json: undefined, check: true }

/** A schema, and values of it. */
interface Typed {
  readonly schema: JsonObject
  readonly value: fc.Arbitrary<JsonValue>
}

const name = fc.oneof(fc.stringMatching(/^[a-z][a-z_]{0,6}$/), fc.constantFrom('a.b', 'x-y', 'toString', 'ä'))
const text = fc.string({ unit: 'binary', maxLength: 12 })
const leaf = fc.constantFrom<Typed>(
  { schema: { type: 'string' }, value: text },
  { schema: { type: 'integer' }, value: fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)) },
  {
    schema: { type: 'number' },
    value: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (n === 0 ? 0 : n)),
  },
  { schema: { type: 'boolean' }, value: fc.boolean() },
  { schema: { type: ['string', 'null'] }, value: fc.option(text) },
  { schema: { anyOf: [{ type: 'integer' }, { type: 'string' }] }, value: fc.oneof(fc.integer(), text) },
  { schema: { enum: ['a', 'null', '1', 'true'] }, value: fc.constantFrom('a', 'null', '1', 'true') },
  { schema: { enum: ['a', 1, null] }, value: fc.constantFrom<JsonValue>('a', 1, null) },
)
const listOf = (item: Typed): Typed => ({
  schema: { type: 'array', items: item.schema },
  value: fc.array(item.value, { maxLength: 4 }),
})
const typed: fc.Arbitrary<Typed> = fc.oneof(leaf, leaf.map(listOf), leaf.map(listOf).map(listOf))

/** As a person writes it: a text as it is where nothing else can stand there, JSON otherwise. */
const written = (schema: JsonObject, value: JsonValue): string => {
  const isOnlyText =
    schema.type === 'string' || (Array.isArray(schema.enum) && schema.enum.every((each) => typeof each === 'string'))
  return isOnlyText && typeof value === 'string' ? value.replace(/^@(?=.)/s, '@@') : JSON.stringify(value)
}

describe('any value of the type of a schema', () => {
  const members = fc.uniqueArray(fc.record({ name, typed }), {
    selector: (member) => member.name.split('.')[0],
    maxLength: 5,
  })
  const cases = members.chain((all) =>
    fc.record({
      all: fc.constant(all),
      values: fc.tuple(...all.map((member) => member.typed.value)),
      repeat: fc.boolean(),
      nested: fc.boolean(),
    }),
  )

  it('can be given, and arrives as it is', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ all, values, repeat, nested }) => {
        const object = {
          type: 'object',
          properties: Object.fromEntries(all.map((member) => [member.name, member.typed.schema])),
          required: all.map((member) => member.name),
          additionalProperties: false,
        }
        const schema = nested ? { type: 'object', properties: { in: object } } : object
        const args = all.flatMap((member, i) => {
          const value = values[i] ?? null
          const key = nested ? `in.${member.name}` : member.name
          const { items } = member.typed.schema
          if (repeat && Array.isArray(value) && value.length > 1)
            return value.map((each) => `${key}=${written(items as JsonObject, each)}`)
          return [`${key}=${written(member.typed.schema, value)}`]
        })
        const wanted = Object.fromEntries(all.map((member, i) => [member.name, values[i]]))
        const arrived = await argumentsOf(
          depsWith(undefined).deps,
          { name: 't', inputSchema: schema },
          { ...flags, args },
        )
        expect(arrived).toEqual(nested && all.length > 0 ? { in: wanted } : wanted)
      }),
      { numRuns: 500 },
    )
  })

  it('whatever is given, and whatever the schema is: a value or a wrong usage', async () => {
    const word = fc.constantFrom(
      'type',
      'properties',
      'items',
      '$ref',
      'anyOf',
      'allOf',
      'oneOf',
      'enum',
      'const',
      'required',
    )
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom('string', 'integer', 'array', 'object', '#', '#/properties', 5, null),
    )
    const schema = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        odd,
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(word, name), tie('any')),
      ),
    })).any
    await fc.assert(
      fc.asyncProperty(
        schema,
        fc.array(fc.string({ maxLength: 8 }).filter((each) => !each.includes('@'))),
        async (inputSchema, args) => {
          const own = JSON.parse(JSON.stringify(inputSchema ?? {}))
          try {
            expect(
              typeof (await argumentsOf(depsWith(undefined).deps, { name: 't', inputSchema: own }, { ...flags, args })),
            ).toBe('object')
          } catch (error) {
            expect(error).toBeInstanceOf(CliError)
          }
        },
      ),
      { numRuns: 1000 },
    )
  })
})
