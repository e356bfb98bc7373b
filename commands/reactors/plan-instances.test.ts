import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import { planInstances } from './plan-instances.ts'

const row = (kind: string, name: string, spec: JsonObject, status: JsonObject): ResourceRow => ({
  kind,
  name,
  uid: 's1',
  revision: 0n,
  position: 0n,
  labels: {},
  spec,
  status,
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  createdBy: 'User:ada',
  updatedBy: 'User:ada',
})
const server = (replicas: number): ResourceRow => row('server', 'a', { replicas }, {})
const copy = (name: string, phase: string, specHash = 'new', more: JsonObject = {}): ResourceRow =>
  row('instance', name, { server: 'a', serverUid: 's1', specHash }, { phase, ...more })
const plan = (replicas: number | undefined, instances: ResourceRow[], alive: string[] = []) =>
  planInstances({
    server: replicas === undefined ? undefined : server(replicas),
    specHash: 'new',
    instances,
    alive: (name) => alive.includes(name),
  })

describe('the plan for a server', () => {
  it('creates what is missing', () => expect(plan(2, [copy('a-1', 'running')], ['a-1']).create).toBe(1))

  it('has nothing to do when all run', () =>
    expect(plan(1, [copy('a-1', 'running')], ['a-1'])).toEqual({ create: 0, stop: [], start: [] }))

  it('starts again what ran when mcpd ended', () =>
    expect(plan(1, [copy('a-1', 'running')]).start).toEqual([{ instance: 'a-1', interrupted: true }]))

  it('waits until a failed copy is due', () =>
    expect(plan(1, [copy('a-1', 'error', 'new', { nextRetryAt: '2026-01-01T00:00:30.000Z' })]).start).toEqual([
      { instance: 'a-1', interrupted: false, at: '2026-01-01T00:00:30.000Z' },
    ]))

  it('keeps the old copy of a changed spec until the new one runs', () => {
    const old = copy('a-1', 'running', 'old')
    expect(plan(1, [old], ['a-1'])).toEqual({ create: 1, stop: [], start: [] })
    expect(plan(1, [old, copy('a-2', 'starting')], ['a-1', 'a-2']).stop).toEqual([])
    expect(plan(1, [old, copy('a-2', 'running')], ['a-1', 'a-2']).stop).toEqual([
      { instance: 'a-1', reason: 'its server has a new spec, or was restarted' },
    ])
  })

  it('ends the old copy before the new one begins where both would need the same port of this machine', () => {
    const listens = (more: JsonObject) =>
      planInstances({
        server: row('server', 'a', { replicas: 1, containerPort: 8080, ...more }, {}),
        specHash: 'new',
        instances: [copy('a-1', 'running', 'old')],
        alive: () => true,
      })
    expect(listens({})).toMatchObject({ create: 1, stop: [{ instance: 'a-1' }] })
    expect(listens({ dockerImage: 'a:1' })).toMatchObject({ create: 1, stop: [] })
  })

  it('keeps the old copy until the new one is healthy, where a tool tells that', () => {
    const check = row('server', 'a', { replicas: 1, healthCheck: { tool: 'check' } }, {})
    const stops = (health: string) =>
      planInstances({
        server: check,
        specHash: 'new',
        instances: [copy('a-1', 'running', 'old', { health: 'healthy' }), copy('a-2', 'running', 'new', { health })],
        alive: () => true,
      }).stop.map(({ instance }) => instance)
    expect(stops('unknown')).toEqual([])
    expect(stops('unhealthy')).toEqual([])
    expect(stops('healthy')).toEqual(['a-1'])
  })

  it('stops an old copy that does not serve at once', () =>
    expect(plan(1, [copy('a-1', 'error', 'old')]).stop.map((each) => each.instance)).toEqual(['a-1']))

  it('keeps the copies that run when fewer are wanted', () =>
    expect(plan(1, [copy('a-1', 'error'), copy('a-2', 'running')], ['a-2']).stop.map((each) => each.instance)).toEqual([
      'a-1',
    ]))

  it('keeps the copies that serve before those that are unhealthy', () => {
    const rows = [copy('a-1', 'running', 'new', { health: 'unhealthy' }), copy('a-2', 'running')]
    expect(plan(1, rows, ['a-1', 'a-2']).stop.map((each) => each.instance)).toEqual(['a-1'])
  })

  it('stops everything of a deleted server', () =>
    expect(plan(undefined, [copy('a-1', 'running'), copy('a-2', 'error')], ['a-1']).stop).toHaveLength(2))
})
