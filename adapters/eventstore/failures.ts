import {
  AccessDeniedError,
  CancelledError,
  DeadlineExceededError,
  isCommandError,
  MaxAppendSizeExceededError,
  NoStreamError,
  NotFoundError,
  NotLeaderError,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import { CodedError, codeOf } from '../../domain/kernel/errors.ts'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'

/** Nothing came for longer than we wait. The outcome of what was asked is unknown. */
export class TimedOut extends Error {
  constructor(ms: number) {
    super(`no answer within ${Math.ceil(ms)} ms`)
    this.name = 'TimedOut'
  }
}

/** gRPC codes that say the request itself is wrong: INVALID_ARGUMENT, OUT_OF_RANGE, UNIMPLEMENTED. */
const WRONG_REQUEST = new Set<unknown>([3, 11, 12])
/** PERMISSION_DENIED and UNAUTHENTICATED. */
const REFUSED = new Set<unknown>([7, 16])

/** The stream does not exist, or every one of its events was soft-deleted. The client throws it in the middle of an iteration. */
export const isMissing = (error: unknown): boolean =>
  error instanceof StreamNotFoundError || error instanceof NoStreamError || error instanceof NotFoundError

/** The revision of a stream that was destroyed, where a server answers with a conflict instead. */
const DESTROYED = 2n ** 63n - 1n

export const isTombstoned = (error: unknown): boolean =>
  error instanceof StreamDeletedError ||
  (error instanceof WrongExpectedVersionError &&
    typeof error.actualVersion === 'bigint' &&
    error.actualVersion >= DESTROYED)

export const isTooLarge = (error: unknown): error is MaxAppendSizeExceededError =>
  error instanceof MaxAppendSizeExceededError

const isRefused = (error: unknown): boolean => error instanceof AccessDeniedError || REFUSED.has(codeOf(error))

/**
 * Whether the same request may succeed later: the server is away, has another leader, is too busy, or did not answer.
 * Failures to connect come as plain errors with a gRPC code, failed discovery as a plain error without any.
 */
export const isPassing = (error: unknown): boolean => {
  if (error instanceof CodedError || isRefused(error)) return false
  if (error instanceof TimedOut) return true
  if (!(error instanceof Error) || WRONG_REQUEST.has(codeOf(error))) return false
  if (!isCommandError(error))
    return codeOf(error) !== undefined || /discover|resolve|ECONN|channel/i.test(error.message)
  return (
    error instanceof UnavailableError ||
    error instanceof CancelledError ||
    error instanceof TimeoutError ||
    error instanceof DeadlineExceededError ||
    error instanceof NotLeaderError ||
    error instanceof UnknownError
  )
}

/** Whether the client that failed so should not be used again: its connection, or its idea of the cluster, is gone. */
export const spoilsClient = (error: unknown): boolean =>
  isPassing(error) && !(error instanceof NotLeaderError) && !(error instanceof TimeoutError)

/** What to tell of an error whose `message` is often empty: the client keeps the facts in its fields. */
export const describeFailure = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.message !== '') return error.message
  return isCommandError(error) ? error.type : error.name
}

/** Turns what the client threw into an error of ours; what is a bug stays as it is. */
export const translateFailure = (error: unknown): unknown => {
  if (error instanceof CodedError) return error
  if (isRefused(error)) {
    return logUnavailable('EventStoreDB refused access', {
      hint: 'Check the user and password in the connection string, and what that user may do',
    })
  }
  return isPassing(error) ? logUnavailable(describeFailure(error)) : error
}
