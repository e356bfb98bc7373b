import { describe, it } from 'vitest'
import { given } from '../kernel/testing/given.ts'
import { type InstanceCommand, instanceDecider } from './decide.ts'
import type { InstanceEvent } from './events.ts'

const instance = 'everything-abcde'
const server = 'everything'
const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds)).toISOString()

const created: InstanceEvent = {
  type: 'InstanceCreated',
  data: { server, serverUid: 's1', specHash: 'h', uid: 'i1', at: at(0) },
}
const starting = (attempt: number, seconds: number): InstanceEvent => ({
  type: 'InstanceStarting',
  data: { server, attempt, at: at(seconds) },
})
const started = (seconds: number): InstanceEvent => ({
  type: 'InstanceStarted',
  data: { server, at: at(seconds), details: { pid: 7 } },
})
const failed = (attempt: number, seconds: number, retryIn: number): InstanceEvent => ({
  type: 'InstanceStartFailed',
  data: { server, reason: 'no', attempt, at: at(seconds), nextRetryAt: at(seconds + retryIn) },
})
const report = (seconds: number): InstanceCommand => ({
  type: 'ReportStartFailed',
  instance,
  at: at(seconds),
  reason: 'no',
})
const exit = (seconds: number): InstanceCommand => ({ type: 'ReportExit', instance, at: at(seconds), reason: 'died' })

describe('an instance that starts', () => {
  const beginning = given(instanceDecider, created, starting(1, 1))

  it('begins once', () => beginning.when({ type: 'BeginStart', instance, at: at(2) }).thenNothing())
  it('runs when its server answered', () =>
    beginning.when({ type: 'ReportStarted', instance, at: at(3), details: { pid: 7 } }).then(started(3)))
  it('is tried again in place after 30 s', () => beginning.when(report(3)).then(failed(1, 3, 30)))
  it('is interrupted when mcpd ends', () =>
    beginning
      .when({ type: 'ReportInterrupted', instance, at: at(3), reason: 'mcpd was restarted' })
      .then({ type: 'InstanceInterrupted', data: { server, reason: 'mcpd was restarted', at: at(3) } }))
})

describe('an instance that failed five times', () => {
  const history = [1, 2, 3, 4, 5].flatMap((n) => [starting(n, n * 40), failed(n, n * 40, 30)])

  it('is tried again every 5 min from then on', () =>
    given(instanceDecider, created, ...history, starting(6, 400))
      .when(report(401))
      .then(failed(6, 401, 300)))
  it('is tried at once when what it failed on may be mended', () =>
    given(instanceDecider, created, ...history)
      .when({ type: 'RequestRetry', instance, at: at(300), reason: 'secret/github has changed' })
      .then({ type: 'InstanceRetryRequested', data: { server, reason: 'secret/github has changed', at: at(300) } }))
})

describe('an instance that runs', () => {
  const running = given(instanceDecider, created, starting(1, 1), started(2))
  const exited = (failures: number, seconds: number, retryIn: number): InstanceEvent => ({
    type: 'InstanceExited',
    data: { server, at: at(seconds), reason: 'died', failures, nextRetryAt: at(seconds + retryIn) },
  })

  it('has failed when it ends within a minute', () => running.when(exit(10)).then(exited(1, 10, 30)))
  it('starts again at once when it ran longer', () => running.when(exit(100)).then(exited(0, 100, 0)))
  it('stops for good once', () => {
    const stop: InstanceCommand = { type: 'StopInstance', instance, at: at(9), reason: 'fewer replicas are wanted' }
    const stopped: InstanceEvent = { type: 'InstanceStopped', data: { server, reason: stop.reason, at: at(9) } }
    running.when(stop).then(stopped)
    running.and(stopped).when(stop).thenNothing()
  })
  it('ignores what is reported after it was stopped', () =>
    running
      .and({ type: 'InstanceStopped', data: { server, reason: 'gone', at: at(9) } })
      .when(exit(10))
      .thenNothing())
})

describe('an instance that never was', () => {
  it('cannot be stopped', () =>
    given(instanceDecider)
      .when({ type: 'StopInstance', instance, at: at(0), reason: 'x' })
      .rejects('not-found'))
})
