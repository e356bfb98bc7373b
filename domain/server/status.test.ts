import { describe, expect, it } from 'vitest'
import type { DomainEvent } from '../kernel/event.ts'
import type { JsonObject } from '../kernel/json.ts'
import { record } from '../kernel/testing/given.ts'
import { server } from './resource.ts'
import { copiesAfter } from './status.ts'

const happened = (events: readonly (readonly [copy: string, type: string, data?: JsonObject])[]): JsonObject =>
  events.reduce<JsonObject>((status, [copy, type, data = {}]) => {
    const event: DomainEvent = { type, data: { server: 'a', ...data } }
    return record([event], `instance-${copy}`).reduce(copiesAfter, status)
  }, {})
const health = (copy: string, is: string) => [copy, 'InstanceHealthChanged', { health: is }] as const

/** READY, STATUS and HEALTH of a server whose copies went through this. */
const shown = (replicas: number, ...events: Parameters<typeof happened>[0]): readonly string[] => {
  const resource = {
    apiVersion: 'mcpctl/v1',
    kind: 'server',
    metadata: { name: 'a' },
    spec: { replicas },
    status: happened(events),
  } as const
  const cell = (header: string) => server.columns.find((each) => each.header === header)?.value(resource, new Date(0))
  return ['READY', 'STATUS', 'HEALTH'].map((header) => cell(header) ?? header)
}

describe('a server is shown', () => {
  const one = [
    ['a-1', 'InstanceCreated'],
    ['a-1', 'InstanceStarted'],
  ] as const
  const two = [...one, ['a-2', 'InstanceStarted']] as const

  it('as running when its copies run, before and after they were probed', () => {
    expect(shown(1, ...one)).toEqual(['1/1', 'Running', 'Unknown'])
    expect(shown(1, ...one, health('a-1', 'healthy'))).toEqual(['1/1', 'Running', 'Healthy'])
  })

  it('as degraded when one of its copies is, and that one still serves', () =>
    expect(shown(2, ...two, health('a-1', 'degraded'), health('a-2', 'healthy'))).toEqual([
      '2/2',
      'Degraded',
      'Degraded',
    ]))

  it('as degraded when one of several copies is unhealthy, which serves no more', () =>
    expect(shown(2, ...two, health('a-1', 'unhealthy'), health('a-2', 'healthy'))).toEqual([
      '1/2',
      'Degraded',
      'Degraded',
    ]))

  it('as unhealthy when all that run are', () =>
    expect(shown(1, ...one, health('a-1', 'unhealthy'))).toEqual(['0/1', 'Unhealthy', 'Unhealthy']))

  it('without the health of a run that is over', () => {
    expect(shown(1, ...one, health('a-1', 'unhealthy'), ['a-1', 'InstanceEndedUnhealthy'])).toEqual([
      '0/1',
      'Error',
      '',
    ])
    expect(shown(1, ...one, health('a-1', 'unhealthy'), ['a-1', 'InstanceStopped'])).toEqual(['0/1', 'Starting', ''])
    expect(shown(1, ...one, ['a-1', 'InstanceExited'], health('a-1', 'healthy'))).toEqual(['0/1', 'Error', ''])
  })
})
