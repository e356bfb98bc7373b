import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import { CliError, exitCode, usageError } from '../errors.ts'
import { didYouMean } from '../suggest.ts'
import {
  branchesOf,
  isOneOf,
  itemOf,
  type JsonType,
  memberOf,
  namesOf,
  otherMembersOf,
  type Place,
  typesOf,
  typeText,
} from './schema.ts'

/** Where in the arguments a value belongs: names of members, and what has to stand there. */
export interface Target {
  readonly path: readonly string[]
  readonly place: Place
}

/**
 * What the name of an `--arg` means: a member, or one of a member by dots. A declared name may hold dots itself; the longest that fits
 * is meant.
 * @throws CliError `argument-unknown` with the nearest name
 */
export const targetOf = (key: string, place: Place, above: readonly string[] = []): Target => {
  const branches = branchesOf(place)
  const parts = key.split('.')
  for (let length = parts.length; length > 0; length -= 1) {
    const name = parts.slice(0, length).join('.')
    const member = memberOf(branches, place.root, name)
    if (member === undefined) continue
    const rest = parts.slice(length).join('.')
    if (rest === '') return { path: [...above, name], place: member }
    if (typesOf(branchesOf(member)).has('object')) return targetOf(rest, member, [...above, name])
    throw usageError(`--arg ${[...above, key].join('.')}: ${name} has no members, it is ${typeText(member)}`)
  }
  return amongOthers(key, branches, place, above)
}

const amongOthers = (
  key: string,
  branches: readonly JsonObject[],
  { root }: Place,
  above: readonly string[],
): Target => {
  const others = otherMembersOf(branches, root)
  if (others === undefined) throw unknownArgument([...above, key].join('.'), key, namesOf(branches))
  const at = key.indexOf('.')
  const hasMembers = at > 0 && typesOf(branchesOf(others)).has('object')
  if (!hasMembers) return { path: [...above, key], place: others }
  return targetOf(key.slice(at + 1), others, [...above, key.slice(0, at)])
}

export const unknownArgument = (shown: string, name: string, known: readonly string[]): CliError =>
  new CliError('argument-unknown', `the tool has no argument ${shown}`, {
    exit: exitCode.usage,
    hint: didYouMean(
      name.split('.')[0] ?? name,
      known,
      known.length === 0 ? 'It takes none' : `It takes: ${known.join(', ')}`,
    ),
  })

/**
 * The value that the texts of one `--arg` mean. One that the schema lets be a text and nothing else is taken as it stands. Otherwise it is
 * JSON, if that has a type of the schema's, or else a text, or else the only entry of a list. Several texts are the entries of a list.
 * @throws CliError `argument-invalid` with what it has to be, never with the text: it may be a secret
 */
export const readArgument = (name: string, texts: readonly string[], place: Place): unknown => {
  const branches = branchesOf(place)
  const types = typesOf(branches)
  const [only = ''] = texts
  if (texts.length === 1) return single(name, only, place, types, branches)
  if (!types.has('array')) throw invalid(name, `is given ${texts.length} times, but it is ${typeText(place)}`)
  return texts.map((text, at) => readArgument(`${name}[${at}]`, [text], itemOf(branches, place.root, at)))
}

const single = (
  name: string,
  text: string,
  place: Place,
  types: ReadonlySet<JsonType>,
  branches: readonly JsonObject[],
): unknown => {
  if (types.size === 1 && types.has('string')) return text
  const json = jsonIn(text)
  if (json !== undefined && isOneOf(types, json.value)) {
    if (!isExact(text, json.value)) throw invalid(name, 'is a number with more digits than JSON keeps')
    return json.value
  }
  if (types.has('string')) return text
  if (types.has('array')) return [readArgument(`${name}[0]`, [text], itemOf(branches, place.root, 0))]
  throw invalid(name, `must be ${typeText(place)}`, wayOut(types))
}

const wayOut = (types: ReadonlySet<JsonType>): string | undefined => {
  if (types.has('boolean')) return 'Write true or false'
  return types.has('object') ? 'Write JSON, or its members by dots: --arg filter.state=open' : undefined
}

export const invalid = (name: string, message: string, hint?: string): CliError =>
  new CliError('argument-invalid', `--arg ${name} ${message}`, { exit: exitCode.usage, hint })

const jsonIn = (text: string): { readonly value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined // a text without quotes
  }
}

/** A long whole number would arrive as another one. */
const isExact = (text: string, value: unknown): boolean =>
  typeof value !== 'number' ||
  !/^\s*-?\d+\s*$/.test(text) ||
  JSON.stringify(value) === text.trim() ||
  (Number.isFinite(value) && BigInt(text.trim()) === BigInt(value))

/** The same arguments with one value put in; objects on the way are made. @throws CliError `usage` where something else is in the way */
export const withValue = (given: JsonObject, path: readonly string[], value: unknown): JsonObject => {
  const [name = '', ...rest] = path
  const before = Object.hasOwn(given, name) ? given[name] : undefined
  if (rest.length > 0 && before !== undefined && !isObject(before))
    throw usageError(`--arg ${name} and --arg ${path.join('.')} contradict each other`)
  const put = rest.length === 0 ? value : withValue(isObject(before) ? before : {}, rest, value)
  // Not by assignment: a member may be called __proto__.
  const members = Object.entries(given).filter(([key]) => key !== name)
  const at = before === undefined ? members.length : Object.keys(given).indexOf(name)
  return Object.fromEntries([...members.slice(0, at), [name, put as JsonValue], ...members.slice(at)])
}
