import { describe, expect, it } from 'vitest'
import { type Resource, type ResourceRow, toResource } from '../kernel/resource.ts'
import { record } from '../kernel/testing/given.ts'
import type { InstanceEvent } from './events.ts'
import { instance } from './resource.ts'

const server = 'a'
const at = '2026-01-01T00:00:00.000Z'
const nextRetryAt = '2026-01-01T00:00:30.000Z'
const created: InstanceEvent = {
  type: 'InstanceCreated',
  data: { server, serverUid: 's', specHash: 'h', uid: 'i', at },
}
const started: InstanceEvent = { type: 'InstanceStarted', data: { server, at, details: {} } }
const exited = (failures: number): InstanceEvent => ({
  type: 'InstanceExited',
  data: { server, reason: 'it exited with code 1', code: 1, failures, at, nextRetryAt },
})
const startFailed = (attempt: number, ran: object): InstanceEvent => ({
  type: 'InstanceStartFailed',
  data: { server, reason: 'no', attempt, at, nextRetryAt, ...ran },
})
const health = (is: 'healthy' | 'unhealthy', reason?: string): InstanceEvent => ({
  type: 'InstanceHealthChanged',
  data: { server, health: is, at, ...(reason === undefined ? {} : { reason }) },
})

const having = (...events: readonly InstanceEvent[]): Resource => {
  const row = record([created, ...events], 'instance-a-1').reduce<ResourceRow | undefined>(instance.fold, undefined)
  if (row === undefined) throw new Error('there is no row')
  return toResource(row)
}
const cell = (header: string, resource: Resource): string =>
  instance.columns.find((each) => each.header === header)?.value(resource, new Date(at)) ?? header
const waitsFor = (condition: string, resource: Resource): string | undefined => {
  const is = instance.conditions[condition]
  if (is === undefined) throw new Error(condition)
  return is(resource)
}

describe('an instance is shown', () => {
  it('as in a crash loop from the second time on that its program ended soon', () => {
    expect(cell('STATUS', having(started, exited(1)))).toBe('Error')
    expect(cell('STATUS', having(started, exited(1), started))).toBe('Running')
    expect(cell('STATUS', having(started, exited(1), started, exited(2)))).toBe('CrashLoopBackOff')
    expect(cell('STATUS', having(startFailed(1, { exited: true }), startFailed(2, { exited: true })))).toBe(
      'CrashLoopBackOff',
    )
  })

  it('as failed when its program did not come to run, however often', () =>
    expect(cell('STATUS', having(startFailed(1, {}), startFailed(2, {})))).toBe('Error'))

  it('with how its last run ended, and the failed attempts, while it runs again', () =>
    expect(having(started, exited(2), started).status).toMatchObject({
      phase: 'running',
      health: 'unknown',
      attemptCount: 2,
      restarts: 1,
      lastEnd: { at, reason: 'it exited with code 1', code: 1 },
    }))

  it('without failed attempts once it has proved healthy', () =>
    expect(having(started, exited(2), started, health('healthy')).status).toMatchObject({ attemptCount: 0 }))

  it('as unhealthy, with the reason', () => {
    const unhealthy = having(started, health('unhealthy', 'tools/list: no answer within 10 s'))
    expect(['STATUS', 'HEALTH', 'REASON'].map((header) => cell(header, unhealthy))).toEqual([
      'Unhealthy',
      'Unhealthy',
      'tools/list: no answer within 10 s',
    ])
  })
})

describe('a table of instances', () => {
  it('counts restarts, and says when the last one was', () => {
    const later = new Date(Date.parse(at) + 180_000)
    const restarts = (resource: Resource) =>
      instance.columns.find(({ header }) => header === 'RESTARTS')?.value(resource, later)
    expect(restarts(having(started))).toBe('0')
    expect(restarts(having(started, exited(1), started, exited(0), started))).toBe('2 (3m ago)')
  })

  it('has one of one ready as long as it serves', () => {
    const ready = [having(), having(started), having(started, health('unhealthy')), having(started, exited(1))]
    expect(ready.map((each) => cell('READY', each))).toEqual(['0/1', '1/1', '0/1', '0/1'])
  })

  it('says what runs, where and as what, while it runs', () => {
    const running = (details: object): Resource => having({ ...started, data: { server, at, details: { ...details } } })
    const wide = (resource: Resource) =>
      ['RUNTIME', 'PROCESS', 'VERSION', 'ENDPOINT'].map((header) => cell(header, resource))
    const serverInfo = { name: 'everything', version: '2' }
    expect(wide(running({ runtime: 'process', pid: 7, package: 'p', version: '1.2.3', serverInfo }))).toEqual([
      'process',
      '7',
      'p@1.2.3',
      '',
    ])
    expect(
      wide(running({ runtime: 'docker', container: 'abc', image: 'r/i:1', url: 'http://127.0.0.1:9/mcp' })),
    ).toEqual(['docker', 'abc', 'r/i:1', 'http://127.0.0.1:9/mcp'])
    expect(wide(running({ runtime: 'process', pid: 7, serverInfo }))[2]).toBe('everything 2')
    expect(wide(having(started, exited(1)))).toEqual(['', '', '', ''])
  })
})

describe('an instance that is waited for', () => {
  it('is running, ready and healthy in this order', () => {
    expect(waitsFor('running', having())).toBe('it is Pending')
    expect(waitsFor('running', having(started))).toBeUndefined()
    expect(waitsFor('ready', having(started))).toBeUndefined()
    expect(waitsFor('healthy', having(started))).toBe('its health is not known yet')
    expect(waitsFor('healthy', having(started, health('healthy')))).toBeUndefined()
  })

  it('is not ready when it is unhealthy', () =>
    expect(waitsFor('ready', having(started, health('unhealthy', 'no answer')))).toBe('it is Unhealthy: no answer'))

  it('has to outlive its earlier runs to be healthy', () =>
    expect(waitsFor('healthy', having(started, exited(1), started))).toContain('run for a minute first'))

  it('says why it does not run', () =>
    expect(waitsFor('healthy', having(started, exited(2)))).toBe('it is CrashLoopBackOff: it exited with code 1'))
})
