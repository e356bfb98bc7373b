import type { Dice } from './dice.ts'
import type { Schema } from './operations.ts'

/** Names that resources of a run have: few, so that requests meet what others have made. */
export const NAMES = ['fuzz-a', 'fuzz-b', 'fuzz-c', 'fuzz-d', '0', '007', 'x'.repeat(63)] as const

/** What texts of a pattern look like. A pattern that is not known here gets a name, which most take. */
const TEXTS: readonly (readonly [pattern: RegExp, texts: readonly string[]])[] = [
  [/\[a-z0-9-~\]/, ['@fuzz/none', 'fuzz-none']],
  [/\^\[-\+\.\^/, ['1.2.3', '^1']],
  [/\^\[A-Za-z_\]/, ['A', 'KEY', '_x', 'toString']],
  [/\\d\{1,19\}/, ['0', '1', '12']],
  [/\^\\d\{4\}|\^\(\?:/, ['2026-01-01T00:00:00Z']],
]

/** A value that fits a schema, in most cases: what refinements beyond the schema ask for is not known here. */
export const sample = (dice: Dice, schema: Schema): unknown => {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return dice.pick(schema.enum)
  if (schema.anyOf !== undefined) return sample(dice, dice.pick(schema.anyOf))
  const type = typeof schema.type === 'string' ? schema.type : dice.pick(schema.type ?? ['null'])
  switch (type) {
    case 'object':
      return object(dice, schema)
    case 'array':
      return Array.from({ length: dice.below(3) }, () => sample(dice, schema.items ?? {}))
    case 'integer':
    case 'number': {
      const { minimum = 0, maximum = 100 } = schema
      return minimum + dice.below(Math.min(5, maximum - minimum + 1))
    }
    case 'boolean':
      return dice.chance(0.5)
    case 'string':
      return text(dice, schema)
    default:
      return null
  }
}

const object = (dice: Dice, { properties = {}, required = [], additionalProperties }: Schema): unknown => {
  const members = Object.entries(properties)
    .filter(([name]) => required.includes(name) || dice.chance(0.4))
    .map(([name, schema]) => [name, sample(dice, schema)] as const)
  const more =
    typeof additionalProperties === 'object' && dice.chance(0.7)
      ? [[dice.pick(['A', 'KEY', 'team']), sample(dice, additionalProperties)] as const]
      : []
  return Object.fromEntries([...members, ...more])
}

const text = (dice: Dice, { pattern, maxLength }: Schema): string => {
  if (pattern === undefined) return dice.pick(['', 'a', 'some text', 'zwölf Boxkämpfer']).slice(0, maxLength)
  const known = TEXTS.find(([form]) => form.test(pattern))
  return dice.pick(known?.[1] ?? NAMES)
}

/** The `spec` of a manifest that works, so that mutations of it reach deep; the schema alone cannot say all of it. */
export const workingSpec = (dice: Dice, kind: string): Record<string, unknown> => {
  switch (kind) {
    case 'server': {
      const name = dice.pick(['A', 'B_1', 'toString'])
      const env = dice.chance(0.3)
        ? [{ name, valueFrom: { secretRef: { name: dice.pick(NAMES), key: 'KEY' } } }]
        : [{ name, value: 'x' }]
      return { command: 'fuzz-does-not-exist', args: ['--x'], env, replicas: 0, description: 'for fuzzing' }
    }
    case 'secret':
      return { data: { KEY: dice.pick(['value', '', null]), 'other.key': 'zwölf' } }
    case 'secretbackend':
      return { type: dice.pick(['encrypted', 'plaintext']), description: dice.pick(['', 'x']) }
    case 'project': {
      const servers = Array.from({ length: dice.below(3) }, () => ({
        name: dice.pick(NAMES),
        tools: { allow: ['*'], deny: ['a*'], rename: { a: 'b' } },
      }))
      return { servers, description: 'for fuzzing', namespacing: dice.pick(['always', 'auto', 'never']) }
    }
    default:
      return {}
  }
}
