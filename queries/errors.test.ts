import { describe, expect, it } from 'vitest'
import { asUnavailable } from './errors.ts'

const failure = (message: string, code?: string): Error =>
  Object.assign(new Error(message), code === undefined ? {} : { code })

describe('a failure of the database', () => {
  it.each([
    [failure('relation "live.resources" does not exist', '42P01'), 'it is being built'],
    [failure('terminating connection', '57P01'), 'the database is being stopped or started'],
    [failure('too many clients', '53300'), 'the database has no connection to spare'],
    [failure('disk full', '53100'), 'the database is out of room or memory'],
    [failure('read-only', '25006'), 'the database fails (SQLSTATE 25006)'],
    [failure('write EPIPE', 'EPIPE'), 'the database cannot be reached (EPIPE)'],
    [failure('Query read timeout'), 'the database did not answer in time'],
    [failure('Connection terminated unexpectedly'), 'the connection to the database was lost'],
  ])('that passes is told by its kind: %s', (error, trouble) =>
    expect(asUnavailable(error)).toMatchObject({
      code: 'read-model-unavailable',
      message: `the read model is not available: ${trouble}`,
    }),
  )

  it.each([failure('syntax error', '42601'), new TypeError('x is undefined')])('that is a bug stays one: %s', (error) =>
    expect(asUnavailable(error)).toBe(error),
  )
})
