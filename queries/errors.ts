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
  if (code === '42P01' || code === '3F000') return readModelUnavailable('it is being built')
  if (
    code === undefined
      ? !/connect|terminat|timeout|closed/i.test(error.message)
      : isSqlState(code) && !PASSING.test(code)
  )
    return error
  return readModelUnavailable('the database cannot be reached')
}

const isSqlState = (code: string): boolean => /^[0-9A-Z]{5}$/.test(code)
