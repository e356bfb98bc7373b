import type { KindDefinition } from '../../domain/kernel/kind.ts'
import { usageError } from '../errors.ts'
import type { Option } from '../verb.ts'
import { type Schema, schemaOf } from './schema.ts'

/** A flag of `create KIND` and what it does to the spec. */
export interface SpecFlag {
  readonly option: Option
  /** Answers the value of `field` for what was given; `before` is what earlier flags made of it. */
  readonly field: string
  value(given: unknown, before: unknown): unknown
}
export type SpecFlags = Readonly<Record<string, SpecFlag>>

/**
 * Flags of a kind, made from its schema: texts, numbers, switches and choices as they are; lists once an entry, under the
 * singular (`--arg a --arg b`), lists of objects that have a name by their names (`--server a`), maps as K=V. What is deeper is for
 * `--set` and `--spec-file`.
 */
export const specFlags = (kind: KindDefinition): SpecFlags => {
  const flags: Record<string, SpecFlag> = {}
  for (const [field, schema] of Object.entries(schemaOf(kind.spec).properties ?? {})) {
    const flag = flagOf(field, schema)
    if (flag !== undefined) flags[flag.name] = flag
  }
  return flags
}

const flagOf = (field: string, schema: Schema): (SpecFlag & { readonly name: string }) | undefined => {
  const describe = schema.description ?? sentence(field)
  const single = singleType(schema)
  if (schema.const !== undefined) return undefined // there is nothing to choose
  if (single !== undefined)
    return { name: kebab(field), field, option: { ...single, describe }, value: (given) => given }
  const many = { type: 'string', many: true, describe } as const
  const name = kebab(singular(field))
  if (schema.type === 'array' && singleType(schema.items ?? {})?.type === 'string')
    return { name, field, option: many, value: (given) => given }
  if (schema.type === 'array' && schema.items?.properties?.name !== undefined)
    return { name, field, option: many, value: (given) => texts(given).map((each) => ({ name: each })) }
  if (schema.type === 'object' && schema.properties === undefined && typeof schema.additionalProperties === 'object')
    return {
      name,
      field,
      option: { ...many, describe: `${describe} (K=V)` },
      value: (given) => Object.fromEntries(texts(given).map((each) => keyValue(`--${name}`, each))),
    }
  return undefined
}

const singleType = (schema: Schema): Pick<Option, 'type' | 'choices'> | undefined => {
  if (schema.enum !== undefined) return { type: 'string', choices: schema.enum.map(String) }
  if (schema.type === 'string') return { type: 'string' }
  if (schema.type === 'integer' || schema.type === 'number') return { type: 'number' }
  return schema.type === 'boolean' ? { type: 'boolean' } : undefined
}

/** What a flag that may be repeated was given. */
export const texts = (given: unknown): readonly string[] => (Array.isArray(given) ? given.map(String) : [])

/** `K=V`; the value may hold further equals signs. @throws CliError `usage`, without the value: it may be a secret */
export const keyValue = (flag: string, text: string): readonly [key: string, value: string] => {
  const at = text.indexOf('=')
  if (at < 1) throw usageError(`${flag} wants KEY=VALUE`, `Example: ${flag} LOG_LEVEL=debug`)
  return [text.slice(0, at), text.slice(at + 1)]
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
const singular = (name: string): string => name.replace(/ies$/, 'y').replace(/s$/, '')
const sentence = (field: string): string => {
  const words = kebab(field).replaceAll('-', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}
