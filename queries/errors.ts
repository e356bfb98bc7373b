import { coded } from '../domain/kernel/errors.ts'

/** 503: rows cannot be read now: the database is away, or the read model is being built for the first time. */
export const readModelUnavailable = coded(
  'read-model-unavailable',
  503,
  'The read model cannot be read at the moment',
  (reason: string) => ({
    message: `the read model is not available: ${reason}`,
    hint: '"mcpctl status" shows what it waits for; what has been written is safe in the log',
    retryAfter: 2,
  }),
)

/** 400: a cursor that no answer to this question has given out. */
export const invalidCursor = coded('invalid-cursor', 400, 'The cursor does not belong to this list', () => ({
  message: 'the cursor does not belong to this list',
  hint: 'Send the "nextCursor" of the last page as it is, with the same filters, or begin again without a cursor',
}))

/** 400: a label selector that cannot be understood. */
export const invalidSelector = coded(
  'invalid-selector',
  400,
  'The label selector cannot be understood',
  (why: string) => ({
    message: `invalid label selector: ${why}`,
    hint: 'Write it like "team=a,tier!=b,env in (dev,test),stage notin (old),canary,!legacy"',
    fields: [{ path: 'labelSelector', message: why }],
  }),
)

/** 400: a page size outside its bounds. */
export const invalidLimit = coded(
  'invalid-limit',
  400,
  'The page size is out of bounds',
  (limit: number, most: number) => ({
    message: `limit must be a whole number from 1 to ${most}, not ${limit}`,
  }),
)

/** SQLSTATEs of a database that goes away, has no room or connection, or does not hold the live views yet. */
const PASSING = /^(08|53|57P|42P01|3F000|25006|XX)/

/** The error an answer should have: outages become `read-model-unavailable`, everything else stays. Never the database's own text: it may name hosts and users. */
export const asUnavailable = (error: unknown): unknown => {
  if (!(error instanceof Error) || 'details' in error) return error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (
    code === undefined
      ? !/connect|terminat|timeout|closed/i.test(error.message)
      : isSqlState(code) && !PASSING.test(code)
  )
    return error
  return readModelUnavailable(troubleOf(code, error.message))
}

/** The kind of trouble, for people. */
const troubleOf = (code: string | undefined, message: string): string => {
  if (code === undefined)
    return /timeout/i.test(message) ? 'the database did not answer in time' : 'the connection to the database was lost'
  if (!isSqlState(code)) return `the database cannot be reached (${code})`
  return TROUBLES.find(([states]) => states.test(code))?.[1] ?? `the database fails (SQLSTATE ${code})`
}

const TROUBLES: readonly (readonly [RegExp, string])[] = [
  [/^(42P01|3F000)/, 'it is being built'],
  [/^08/, 'the connection to the database was lost'],
  [/^53300/, 'the database has no connection to spare'],
  [/^53/, 'the database is out of room or memory'],
  [/^57P/, 'the database is being stopped or started'],
]

/** `EPIPE` and its like have as many letters, but no class of SQLSTATEs begins with an E. */
const isSqlState = (code: string): boolean => /^(?!E)[0-9A-Z]{5}$/.test(code)
