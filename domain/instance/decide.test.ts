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

describe('the health of an instance that runs', () => {
  const running = given(instanceDecider, created, starting(1, 1), started(2))
  const report = (health: 'healthy' | 'degraded' | 'unhealthy', seconds: number, reason?: string): InstanceCommand => ({
    type: 'ReportHealth',
    instance,
    at: at(seconds),
    startedAt: at(2),
    health,
    ...(reason === undefined ? {} : { reason }),
  })
  const changed = (health: 'healthy' | 'degraded' | 'unhealthy', seconds: number, reason?: string): InstanceEvent => ({
    type: 'InstanceHealthChanged',
    data: { server, health, ...(reason === undefined ? {} : { reason }), at: at(seconds) },
  })

  it('is an event when it changes', () => {
    running.when(report('healthy', 3)).then(changed('healthy', 3))
    running
      .and(changed('healthy', 3))
      .when(report('degraded', 33, 'no'))
      .then(changed('degraded', 33, 'no'))
  })
  it('is none when it stays', () =>
    running
      .and(changed('degraded', 3, 'no'))
      .when(report('degraded', 33, 'still no'))
      .thenNothing())
  it('is not that of the run before', () =>
    running.when({ type: 'ReportHealth', instance, at: at(9), startedAt: at(1), health: 'healthy' }).thenNothing())
  it('is nothing that one has which does not run', () =>
    given(instanceDecider, created, starting(1, 1)).when(report('healthy', 3)).thenNothing())

  const exit1: InstanceEvent = {
    type: 'InstanceExited',
    data: { server, at: at(1), reason: 'died', failures: 1, nextRetryAt: at(1) },
  }
  const again = given(instanceDecider, created, starting(1, 0), started(0), exit1, starting(2, 1), started(2))

  it('is not good for a minute when it had just died before', () => {
    again.when(report('healthy', 61)).thenNothing()
    again.when(report('healthy', 62)).then(changed('healthy', 62))
  })
  it('is good at once when only starts had failed before', () =>
    given(instanceDecider, created, starting(1, 0), failed(1, 0, 30), starting(2, 1), started(2))
      .when(report('healthy', 3))
      .then(changed('healthy', 3)))
  it('is not when they failed because the program ended each time', () => {
    const { data } = failed(1, 0, 30)
    const crashed = { type: 'InstanceStartFailed', data: { ...data, exited: true } } as InstanceEvent
    given(instanceDecider, created, starting(1, 0), crashed, starting(2, 1), started(2))
      .when(report('healthy', 3))
      .thenNothing()
  })
  it('may be bad at once', () => again.when(report('degraded', 3, 'no')).then(changed('degraded', 3, 'no')))
  it('makes up for earlier failures once it is good', () => {
    const exit2 = { ...exit1, data: { ...exit1.data, at: at(63), nextRetryAt: at(93) } }
    again
      .and(changed('healthy', 62), { type: 'InstanceInterrupted', data: { server, reason: 'x', at: at(62) } })
      .and(starting(1, 62), started(62))
      .when({ type: 'ReportExit', instance, at: at(63), reason: 'died' })
      .then(exit2)
  })

  const end = (seconds: number): InstanceCommand => ({
    type: 'EndUnhealthy',
    instance,
    at: at(seconds),
    startedAt: at(2),
    reason: 'no answer',
  })
  const ended = (failures: number, seconds: number, retryIn: number): InstanceEvent => ({
    type: 'InstanceEndedUnhealthy',
    data: { server, reason: 'no answer', at: at(seconds), failures, nextRetryAt: at(seconds + retryIn) },
  })

  it('ends a run that was good once, and the next one starts at once', () =>
    running
      .and(changed('healthy', 3))
      .when(end(90))
      .then(ended(0, 90, 0)))
  it('ends one that never was good, which counts as a failed attempt', () =>
    running
      .and(changed('unhealthy', 3, 'no'))
      .when(end(90))
      .then(ended(1, 90, 30)))
  it('ends no run but the one that was probed', () =>
    running.when({ type: 'EndUnhealthy', instance, at: at(90), startedAt: at(1), reason: 'no answer' }).thenNothing())
})

describe('an instance that never was', () => {
  it('cannot be stopped', () =>
    given(instanceDecider)
      .when({ type: 'StopInstance', instance, at: at(0), reason: 'x' })
      .rejects('not-found'))
})
