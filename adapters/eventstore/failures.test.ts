import { CancelledError, NotLeaderError, StreamDeletedError, WrongExpectedVersionError } from '@eventstore/db-client'
import shared from '@eventstore/db-client/generated/shared_pb.js'
import { Metadata } from '@grpc/grpc-js'
import { describe, expect, it } from 'vitest'
import { invalidEvent } from '../../domain/kernel/log-errors.ts'
import { describeFailure, isPassing, isTombstoned, spoilsClient, TimedOut, translateFailure } from './failures.ts'
import { notLeader } from './testing/wire-messages.ts'

const withCode = (code: number, message = 'it failed') =>
  Object.assign(new Error(message), { code, details: message, metadata: new Metadata() })

/** As it comes from the answer to an append. */
const conflictAt = (current: bigint) =>
  WrongExpectedVersionError.fromWrongExpectedVersion(
    new shared.WrongExpectedVersion().setCurrentStreamRevision(current.toString()),
    'a-b',
  )

describe('a failure of the client', () => {
  it.each([
    ['the server is away: a plain error with code 14', withCode(14), true],
    ['the consumer was too slow: code 10', withCode(10), true],
    ['the discovery of a cluster failed: a plain error', new Error('Failed to discover after 10 attempts.'), true],
    ['no answer came', new TimedOut(10), true],
    ['the call was cancelled by the server', new CancelledError(withCode(1)), true],
    ['another node leads', new NotLeaderError(notLeader('127.0.0.1', 2113)), true],
    ['the request is wrong: code 3', withCode(3), false],
    ['the user may not: code 7', withCode(7), false],
    ['the code is wrong', new TypeError('x is undefined'), false],
    ['it is one of ours', invalidEvent('no type'), false],
  ])('may pass or not: %s', (_, error, passing) => {
    expect(isPassing(error)).toBe(passing)
  })

  it('spoils the client unless the connection is sound', () => {
    expect(spoilsClient(withCode(14))).toBe(true)
    expect(spoilsClient(new NotLeaderError(notLeader('127.0.0.1', 2113)))).toBe(false)
    expect(spoilsClient(withCode(7))).toBe(false)
  })

  it('means a tombstone also where a server answers a conflict at the largest revision', () => {
    expect(isTombstoned(StreamDeletedError.fromStreamName('a-b'))).toBe(true)
    expect(isTombstoned(conflictAt(2n ** 63n - 1n))).toBe(true)
    expect(isTombstoned(conflictAt(5n))).toBe(false)
  })

  it('is described by its type where its message is empty', () => {
    expect(conflictAt(5n).message).toBe('')
    expect(describeFailure(conflictAt(5n))).toBe('wrong-expected-version')
  })

  it('becomes log-unavailable when it may pass, and stays what it is when it is a bug', () => {
    const bug = new TypeError('x is undefined')
    expect(translateFailure(withCode(14))).toMatchObject({ code: 'log-unavailable' })
    expect(translateFailure(bug)).toBe(bug)
  })
})
