import type { FieldError } from './errors.ts'

/** One issue as zod reports it. */
export interface SchemaIssue {
  readonly code?: string | undefined
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** Of `unrecognized_keys`. */
  readonly keys?: readonly string[]
  /** Of `invalid_key`: what is wrong with the key itself. */
  readonly issues?: readonly { readonly message: string }[]
}

/** A field's name looks like this; a password, a token or a line of a key does not, or is longer. */
const LIKE_A_FIELD = /^[a-zA-Z][a-zA-Z_-]{0,29}$/
const SHOWN_CHARS = 4

/**
 * A name somebody made up, for a message. What does not look like one is cut off after four characters: people put secrets into the wrong
 * places, and messages end up in the logs of their build servers.
 *
 * @example
 * shownName('packagName') // 'packagName'
 * shownName('ghp_16C7e42F292c6912E7710c838347Ae178B4a') // 'ghp_…'
 */
export const shownName = (name: string): string =>
  LIKE_A_FIELD.test(name) ? name : `${[...name].slice(0, SHOWN_CHARS).join('')}…`

/** What a schema has to say, field by field, without anything of a value. An unknown field or a bad key is pointed at itself. */
export const schemaFlaws = (issue: SchemaIssue): readonly FieldError[] => {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys' && issue.keys !== undefined)
    return issue.keys.map((key) => ({ path: [...path, shownName(key)].join('.'), message: 'there is no such field' }))
  if (issue.code === 'invalid_key')
    return [{ path: shownPath(path), message: `the key ${issue.issues?.[0]?.message ?? 'is not valid'}` }]
  return [{ path: path.join('.'), message: issue.message }]
}

const shownPath = (path: readonly string[]): string =>
  [...path.slice(0, -1), ...path.slice(-1).map((key) => shownName(key))].join('.')
