import type { TrafficRecord } from '../../proxy/inspector/feed.ts'

/** One message, and all of its record as the feed had it: that is what is searched. */
export interface Entry {
  readonly record: TrafficRecord
  readonly raw: string
}

export type Filter = (entry: Entry) => boolean

const FIELDS = ['method', 'server', 'side', 'session', 'id'] as const
type Field = (typeof FIELDS)[number]

/**
 * Reads a filter: terms that must all be true. `method:tools/` matches a field from its beginning, `errors` what has failed, any other word
 * (or "words in quotes") is looked for in the whole message, upper or lower case. `-` turns a term round.
 */
export const parseFilter = (text: string): Filter => {
  const terms = [...text.matchAll(/(-?)((?:[a-z]+:)?(?:"[^"]*"?|\S+))/gi)].map(([, not, term = '']) => {
    const filter = termFilter(term)
    return not === '-' ? (entry: Entry) => !filter(entry) : filter
  })
  return (entry) => terms.every((term) => term(entry))
}

const termFilter = (term: string): Filter => {
  const [, name, quoted = ''] = /^([a-z]+):(.*)$/is.exec(term) ?? []
  const field = FIELDS.find((each) => each === name?.toLowerCase())
  if (field !== undefined) return fieldFilter(field, unquoted(quoted).toLowerCase())
  if (term.toLowerCase() === 'errors') return isFailed
  const words = new RegExp(unquoted(term).replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i')
  return ({ raw }) => words.test(raw)
}

const fieldFilter =
  (field: Field, wanted: string): Filter =>
  ({ record }) => {
    const value = String(record[field] ?? '').toLowerCase()
    return field === 'id' ? value === wanted : value.startsWith(wanted)
  }

/** Whether a message says that something has failed. */
export const isFailed = ({ record }: Entry): boolean => record.outcome === 'error' || record.outcome === 'tool-error'

const unquoted = (text: string): string => text.replace(/^"|"$/g, '')
