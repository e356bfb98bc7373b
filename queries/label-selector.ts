import { type Expression, type SqlBool, sql } from 'kysely'
import { shownName } from '../domain/kernel/schema-flaws.ts'
import { invalidSelector } from './errors.ts'

/** One condition on a label, as kubectl writes it. */
export type Requirement =
  | { readonly key: string; readonly operator: 'in' | 'notin'; readonly values: readonly string[] }
  | { readonly key: string; readonly operator: 'exists' | 'missing' }

const KEY = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/
/** Longest selector, in characters, and most conditions in it. */
const MAX_LENGTH = 4096
const MAX_REQUIREMENTS = 64

/**
 * Parses `a=b,c!=d,e in (x,y),f notin (z),g,!h`. All conditions must hold; an empty text is no condition.
 * @throws invalid-selector
 */
export const parseLabelSelector = (text: string): readonly Requirement[] => {
  if (text.length > MAX_LENGTH) throw invalidSelector(`it is longer than ${MAX_LENGTH} characters`)
  if (text.trim() === '') return []
  const parts = splitOutsideParentheses(text)
  if (parts.length > MAX_REQUIREMENTS) throw invalidSelector(`it has more than ${MAX_REQUIREMENTS} conditions`)
  return parts.map((part) => parseRequirement(part.trim()))
}

const splitOutsideParentheses = (text: string): readonly string[] => {
  const parts: string[] = []
  let from = 0
  let open = false
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i]
    if (char === '(' && open) throw invalidSelector('parentheses cannot stand in parentheses')
    if (char === ')' && !open) throw invalidSelector('a ")" has no "("')
    if (char === '(' || char === ')') open = char === '('
    if (char === ',' && !open) {
      parts.push(text.slice(from, i))
      from = i + 1
    }
  }
  if (open) throw invalidSelector('a "(" has no ")"')
  return [...parts, text.slice(from)]
}

const parseRequirement = (part: string): Requirement => {
  if (part === '') throw invalidSelector('a condition is empty')
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(part)
  if (set !== null) {
    const values = (set[3] ?? '').split(',').map((value) => checkedValue(value.trim()))
    return { key: checkedKey(set[1] ?? ''), operator: set[2] === 'in' ? 'in' : 'notin', values }
  }
  const equality = /^([^=!]*?)\s*(==|=|!=)\s*(.*)$/.exec(part)
  if (equality !== null) {
    const operator = equality[2] === '!=' ? 'notin' : 'in'
    return { key: checkedKey(equality[1] ?? ''), operator, values: [checkedValue(equality[3] ?? '')] }
  }
  if (part.startsWith('!')) return { key: checkedKey(part.slice(1).trim()), operator: 'missing' }
  return { key: checkedKey(part), operator: 'exists' }
}

const checkedKey = (key: string): string => {
  if (!KEY.test(key)) throw invalidSelector(`"${shownName(key)}" is not a label key`)
  return key
}

const checkedValue = (value: string): string => {
  if (!VALUE.test(value)) throw invalidSelector(`"${shownName(value)}" is not a label value`)
  return value
}

/** Whether labels satisfy all conditions. As in kubectl, `!=` and `notin` also hold where the label is missing. */
export const matches = (requirements: readonly Requirement[], labels: Readonly<Record<string, string>>): boolean =>
  requirements.every((each) => {
    const value = Object.hasOwn(labels, each.key) ? labels[each.key] : undefined
    if (!('values' in each)) return (value !== undefined) === (each.operator === 'exists')
    const found = value !== undefined && each.values.includes(value)
    return each.operator === 'in' ? found : !found
  })

/** The same as a condition on a `labels` column. */
export const labelCondition = (labels: Expression<unknown>, each: Requirement): Expression<SqlBool> => {
  const value = sql`(${labels} ->> ${each.key}::text)`
  if (!('values' in each))
    return each.operator === 'exists' ? sql<SqlBool>`${value} is not null` : sql<SqlBool>`${value} is null`
  const list = sql.join(each.values)
  return each.operator === 'in'
    ? sql<SqlBool>`${value} in (${list})`
    : sql<SqlBool>`coalesce(${value} not in (${list}), true)`
}
