import { coded, type ErrorDetails } from './errors.ts'
import type { ExpectedRevision } from './event-log.ts'

/** 409: somebody else appended first. `details.actual` is the stream's revision as a decimal string, or 'none'. */
export const wrongExpectedRevision = coded(
  'wrong-expected-revision',
  409,
  'The stream has moved on since it was read',
  (stream: string, expected: ExpectedRevision, actual: ExpectedRevision) => ({
    message: `stream ${stream} is at revision ${actual}, not ${expected}`,
    stream,
    expected: String(expected),
    actual: String(actual),
  }),
)

/** 503: the log cannot be reached or did not answer in time; an append's outcome is unknown. */
export const logUnavailable = coded(
  'log-unavailable',
  503,
  'The event log cannot be reached, is full, or did not answer in time',
  (reason: string, details: ErrorDetails = {}) => ({
    message: `the event log is not available: ${reason}`,
    retryAfter: 2,
    ...details,
  }),
)

/** 413: an event over 512 KiB, or an append over 960 KiB. */
export const eventTooLarge = coded(
  'event-too-large',
  413,
  'One event is limited to 512 KiB of JSON, one append to 960 KiB',
  (what: string, bytes: number, limit: number) => ({
    message: `${what} has ${bytes} bytes of JSON, the limit is ${limit}`,
    hint: 'Make it smaller or split it into several resources',
    bytes,
    limit,
  }),
)

/** 500 by nature: a bug of ours, caught before it can reach a log. */
export const invalidEvent = coded('invalid-event', 500, 'An event that no log would take', (reason: string) => ({
  message: `invalid event: ${reason}`,
}))

/** 410: the stream was destroyed for good. */
export const streamTombstoned = coded(
  'stream-tombstoned',
  410,
  'The stream was destroyed for good',
  (stream: string) => ({
    message: `stream ${stream} was destroyed and cannot be used again`,
  }),
)
