import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import { inTime } from './in-time.ts'

/** A JSON schema somewhere in a tool's own, and that one: where its references lead. */
export interface Place {
  readonly schema: unknown
  readonly root: JsonObject
}

export const JSON_TYPES = ['string', 'integer', 'number', 'boolean', 'null', 'array', 'object'] as const
export type JsonType = (typeof JSON_TYPES)[number]

/** Bounds of what a server's schema may make us do. */
const MAX_DEPTH = 16
const MAX_BRANCHES = 64
const MAX_VISITED = 2_000

/**
 * The plain schemas of which a value has to fit one: references followed, `anyOf` and `oneOf` taken apart, `allOf` joined. What cannot be
 * followed is a schema that takes anything.
 */
export const branchesOf = (
  { schema, root }: Place,
  depth = 0,
  budget = { left: MAX_VISITED },
): readonly JsonObject[] => {
  budget.left -= 1
  if (!isObject(schema) || depth > MAX_DEPTH || budget.left < 0) return [{}]
  const { $ref, allOf, anyOf, oneOf, ...own } = schema
  let branches: readonly JsonObject[] = [own]
  const join = (others: readonly JsonObject[]) => {
    branches = branches.flatMap((one) => others.map((other) => joined(one, other))).slice(0, MAX_BRANCHES)
  }
  const below = (each: unknown) => branchesOf({ schema: each, root }, depth + 1, budget)
  if (typeof $ref === 'string') join(below(atPointer(root, $ref)))
  if (Array.isArray(allOf)) for (const each of allOf) join(below(each))
  for (const alternatives of [anyOf, oneOf])
    if (Array.isArray(alternatives) && alternatives.length > 0) join(alternatives.flatMap(below))
  return branches
}

const joined = (one: JsonObject, other: JsonObject): JsonObject => ({
  ...other,
  ...one,
  ...(isObject(one.properties) && isObject(other.properties)
    ? { properties: { ...other.properties, ...one.properties } }
    : {}),
  ...(Array.isArray(one.required) && Array.isArray(other.required)
    ? { required: [...new Set([...one.required, ...other.required])] }
    : {}),
})

/** `#/$defs/name`; undefined for what is not in the document. */
const atPointer = (root: JsonObject, ref: string): unknown => {
  if (ref === '#') return root
  if (!ref.startsWith('#/')) return undefined
  let value: unknown = root
  for (const part of ref.slice(2).split('/')) {
    const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Readonly<Record<string, unknown>>)[key]
  }
  return value
}

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The types that a value may have. */
export const typesOf = (branches: readonly JsonObject[]): ReadonlySet<JsonType> =>
  new Set(branches.flatMap((branch) => typesOfOne(branch)))

const typesOfOne = ({ type, nullable, ...branch }: JsonObject): readonly JsonType[] => {
  const named = (Array.isArray(type) ? type : [type]).filter(isJsonType)
  if (named.length > 0) return nullable === true ? [...named, 'null'] : named
  const values = valuesOfOne(branch)
  if (values !== undefined) return values.map(jsonTypeOf)
  if (isObject(branch.properties)) return ['object']
  if (isObject(branch.items) || Array.isArray(branch.prefixItems)) return ['array']
  return JSON_TYPES
}

const isJsonType = (type: unknown): type is JsonType => JSON_TYPES.some((known) => known === type)

export const jsonTypeOf = (value: unknown): JsonType => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value === 'string' ? 'string' : typeof value === 'boolean' ? 'boolean' : 'object'
}

/** Whether a value has one of the types; a whole number is a number, too. */
export const isOneOf = (types: ReadonlySet<JsonType>, value: unknown): boolean => {
  const type = jsonTypeOf(value)
  return types.has(type) || (type === 'integer' && types.has('number'))
}

/** The values that there are to choose from; undefined where any of a type will do. */
export const valuesOf = (branches: readonly JsonObject[]): readonly JsonValue[] | undefined => {
  const values = branches.map(valuesOfOne)
  return values.includes(undefined) ? undefined : values.flatMap((each) => each ?? [])
}

const valuesOfOne = (branch: JsonObject): readonly JsonValue[] | undefined => {
  if (branch.const !== undefined) return [branch.const]
  return Array.isArray(branch.enum) ? branch.enum : undefined
}

/** The schema of one member of an object; undefined where none is declared for that name. */
export const memberOf = (branches: readonly JsonObject[], root: JsonObject, name: string): Place | undefined => {
  const found = branches.flatMap(({ properties, patternProperties }) => {
    if (isObject(properties) && Object.hasOwn(properties, name)) return [properties[name]]
    const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : []
    return patterns.filter(([pattern]) => matches(pattern, name)).map(([, schema]) => schema)
  })
  return found.length === 0 ? undefined : { schema: onlyOrAny(found), root }
}

/** The schema of members whose names are up to the caller; undefined where all names are declared. */
export const otherMembersOf = (branches: readonly JsonObject[], root: JsonObject): Place | undefined => {
  const found = branches.flatMap(({ properties, additionalProperties }) => {
    if (isObject(additionalProperties)) return [additionalProperties]
    if (additionalProperties === true) return [{}]
    // Servers ignore what they do not know, in silence: a name beside declared ones is a typing mistake.
    return additionalProperties === undefined && !isObject(properties) ? [{}] : []
  })
  return found.length === 0 ? undefined : { schema: onlyOrAny(found), root }
}

/** The schema of the entries of a list. */
export const itemOf = (branches: readonly JsonObject[], root: JsonObject, at: number): Place => {
  const found = branches
    .filter((branch) => typesOfOne(branch).includes('array'))
    .map(({ prefixItems, items }) => {
      const tuple = Array.isArray(prefixItems) ? prefixItems : Array.isArray(items) ? items : []
      return tuple[at] ?? (Array.isArray(items) ? {} : (items ?? {}))
    })
  return { schema: onlyOrAny(found), root }
}

const onlyOrAny = (schemas: readonly unknown[]): unknown => (schemas.length === 1 ? schemas[0] : { anyOf: schemas })

/** Names of the declared members. */
export const namesOf = (branches: readonly JsonObject[]): readonly string[] => [
  ...new Set(branches.flatMap(({ properties }) => (isObject(properties) ? Object.keys(properties) : []))),
]

const matches = (pattern: string, name: string): boolean => {
  try {
    return inTime(() => new RegExp(pattern, 'u').test(name))
  } catch {
    return false
  }
}

/** Most values that are listed one by one. */
const MAX_VALUES = 20

/** What a value has to be, in words: `integer`, `list of string`, `one of open, closed`. */
export const typeText = ({ schema, root }: Place, depth = 0): string => {
  const branches = branchesOf({ schema, root })
  const values = valuesOf(branches)
  if (values !== undefined) return oneOfText(values)
  const types = typesOf(branches)
  if (types.size >= JSON_TYPES.length) return 'any'
  const words = [...types].filter((type) => type !== 'integer' || !types.has('number'))
  return words.map((type) => (type === 'array' ? listText(branches, root, depth) : type)).join(' or ')
}

const listText = (branches: readonly JsonObject[], root: JsonObject, depth: number): string => {
  if (depth > 2) return 'list'
  const item = typeText(itemOf(branches, root, 0), depth + 1)
  return item === 'any' ? 'list' : `list of ${item}`
}

const oneOfText = (values: readonly JsonValue[]): string => {
  const shown = values.slice(0, MAX_VALUES).map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  const text = `${shown.join(', ')}${values.length > MAX_VALUES ? ', …' : ''}`
  return values.length === 1 ? text : `one of ${text}`
}
