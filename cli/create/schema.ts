import { z } from 'zod'

/** JSON Schema, as far as flags and `explain` look at it. */
export interface Schema {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: Schema | boolean
  readonly anyOf?: readonly Schema[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
}

/** What users may write, as JSON Schema without references. */
export const schemaOf = (spec: z.ZodType): Schema => {
  const root = z.toJSONSchema(spec, { io: 'input', unrepresentable: 'any', reused: 'inline' }) as Schema
  return resolved(root, root.$defs ?? {}, 0)
}

/** A schema that contains itself is followed so far. */
const MAX_DEPTH = 12

const resolved = (schema: Schema, definitions: Readonly<Record<string, Schema>>, depth: number): Schema => {
  if (depth > MAX_DEPTH) return {}
  const name = schema.$ref?.replace('#/$defs/', '')
  const { $ref: _ref, $defs: _defs, ...own } = schema
  const base: Schema = name === undefined ? own : { ...definitions[name], ...own }
  const nullable = base.anyOf?.filter(({ type }) => type !== 'null')
  const { anyOf: _anyOf, ...rest } = base
  const one: Schema = nullable?.length === 1 && nullable[0] !== undefined ? { ...nullable[0], ...rest } : base
  const next = (each: Schema) => resolved(each, definitions, depth + 1)
  return {
    ...one,
    ...(one.properties === undefined
      ? {}
      : { properties: Object.fromEntries(Object.entries(one.properties).map(([key, each]) => [key, next(each)])) }),
    ...(one.items === undefined ? {} : { items: next(one.items) }),
    ...(typeof one.additionalProperties === 'object' ? { additionalProperties: next(one.additionalProperties) } : {}),
  }
}

/** A type as people write it: `string`, `[]object`, `map of string`, `always | auto | never`. */
export const typeText = (schema: Schema): string => {
  if (schema.enum !== undefined) return schema.enum.map(String).join(' | ')
  if (schema.const !== undefined) return String(schema.const)
  if (schema.type === 'array') return `[]${typeText(schema.items ?? {})}`
  if (schema.type === 'object' && schema.properties === undefined && typeof schema.additionalProperties === 'object')
    return `map of ${typeText(schema.additionalProperties)}`
  return schema.type ?? 'any'
}
