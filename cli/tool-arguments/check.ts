import type { ErrorObject } from 'ajv'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { didYouMean } from '../suggest.ts'
import { inTime } from './in-time.ts'
import { branchesOf, isOneOf, itemOf, memberOf, namesOf, type Place, typesOf, typeText, valuesOf } from './schema.ts'
import { validatorOf } from './validator.ts'

/** One thing that a schema does not allow. */
export interface Flaw {
  readonly kind: 'missing' | 'unknown' | 'invalid'
  /** By dots; '' is the whole value. */
  readonly path: string
  readonly message: string
}

/** Most errors that are told as flaws. */
const MAX_ERRORS = 100

/** What a value has that its schema does not allow. @throws Error as `validatorOf`, and where it takes too long */
export const flawsOf = (value: unknown, schema: JsonObject): readonly Flaw[] => inTime(() => flawsIn(value, schema))

const flawsIn = (value: unknown, schema: JsonObject): readonly Flaw[] => {
  const errors = validatorOf(schema)(value).slice(0, MAX_ERRORS)
  const choices = errors.filter(isChoice).map(({ instancePath }) => instancePath)
  const place = { schema, root: schema }
  const flaws = errors.flatMap((error) => {
    const above = choices.find((path) => error.instancePath === path || error.instancePath.startsWith(`${path}/`))
    if (above === undefined) return error.keyword === 'if' ? [] : [flawOf(error, value, place)]
    // What is wrong with each of the alternatives is one matter, and told once.
    return error.instancePath === above && isChoice(error) ? noneFits(partsOf(above), value, place) : []
  })
  return flaws.filter(
    (flaw, at) => flaws.findIndex(({ path, message }) => path === flaw.path && message === flaw.message) === at,
  )
}

const isChoice = ({ keyword }: ErrorObject): boolean => keyword === 'anyOf' || keyword === 'oneOf'

/** The flaws by the alternative that is nearest; where the type is wrong already, what there is to choose from. */
const noneFits = (parts: readonly string[], whole: unknown, place: Place): readonly Flaw[] => {
  const wanted = placeAt(place, parts)
  const value = at(whole, parts)
  const fitting = branchesOf(wanted).filter((branch) => isOneOf(typesOf([branch]), value))
  const { $defs, definitions } = place.root
  const byBranch = fitting.map((branch) => flawsIn(value, { $defs, definitions, ...branch }))
  const [fewest] = byBranch.sort((one, other) => one.length - other.length)
  if (fewest === undefined || fewest.length === 0 || valuesOf(branchesOf(wanted)) !== undefined)
    return [{ kind: 'invalid', path: parts.join('.'), message: wrongType(wanted, value) }]
  return fewest.map((flaw) => ({ ...flaw, path: [...parts, ...(flaw.path === '' ? [] : [flaw.path])].join('.') }))
}

const flawOf = ({ keyword, params, instancePath, message }: ErrorObject, value: unknown, place: Place): Flaw => {
  const parts = partsOf(instancePath)
  const path = parts.join('.')
  const missing: unknown = params.missingProperty
  if (keyword === 'required' && typeof missing === 'string') {
    const below = [...parts, missing]
    return { kind: 'missing', path: below.join('.'), message: `is missing: ${purpose(placeAt(place, below))}` }
  }
  const unknown: unknown = params.additionalProperty ?? params.unevaluatedProperty
  if (typeof unknown === 'string') {
    const meant = didYouMean(unknown, namesOf(branchesOf(placeAt(place, parts))))
    return { kind: 'unknown', path: [...parts, unknown].join('.'), message: sentence('is not known', meant) }
  }
  const wanted = placeAt(place, parts)
  if (WRONG_TYPE.has(keyword)) return { kind: 'invalid', path, message: wrongType(wanted, at(value, parts)) }
  return { kind: 'invalid', path, message: message ?? 'does not fit' }
}

/** Said better by what the value has to be. */
const WRONG_TYPE = new Set(['type', 'enum', 'const'])

/** What it has to be, and what it is for. */
const purpose = (place: Place): string => {
  const { description } = branchesOf(place)[0] ?? {}
  const [first = ''] = typeof description === 'string' ? description.trim().split('\n') : []
  return [typeText(place), first].filter((part) => part !== '').join(', ')
}

const wrongType = (place: Place, value: unknown): string => {
  const choices = (valuesOf(branchesOf(place)) ?? []).filter((each) => typeof each === 'string')
  const meant = typeof value === 'string' && choices.length > 0 ? didYouMean(value, choices) : undefined
  return sentence(`must be ${typeText(place)}`, meant)
}

const sentence = (text: string, more: string | undefined): string => (more === undefined ? text : `${text}. ${more}`)

const partsOf = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))

const placeAt = (place: Place, parts: readonly string[]): Place =>
  parts.reduce<Place>((above, part) => {
    const branches = branchesOf(above)
    return memberOf(branches, above.root, part) ?? itemOf(branches, above.root, Number(part) || 0)
  }, place)

const at = (value: unknown, parts: readonly string[]): unknown =>
  parts.reduce<unknown>(
    (above, part) => (Array.isArray(above) ? above[Number(part)] : isObject(above) ? above[part] : undefined),
    value,
  )
