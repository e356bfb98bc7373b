import { describe, expect, it } from 'vitest'
import type { JsonObject } from '../domain/kernel/json.ts'
import { given, type Told } from './testing/given.ts'

const spec = {
  command: 'true',
  args: [],
  env: [],
  transport: 'STDIO',
  sessions: 'shared',
  replicas: 1,
  allowScripts: false,
}
const declared: Told = ['server-s', 'ServerDeclared', { uid: 'u1', spec, labels: { team: 'a' } }]
const deleted: Told = ['server-s', 'ServerDeleted', { uid: 'u1' }]
const at = '2026-03-01T12:00:00.000Z'
const created: Told = [
  'instance-s-1',
  'InstanceCreated',
  { server: 's', serverUid: 'u1', serverRevision: '0', uid: 'i1', at },
]
const started: Told = ['instance-s-1', 'InstanceStarted', { server: 's', at, details: {} }]
const stopped: Told = ['instance-s-1', 'InstanceStopped', { server: 's', reason: 'test', at }]

describe('rows of resources', () => {
  it('have what was declared, by whom and when', () =>
    expect(given([declared]).resources).toEqual([
      expect.objectContaining({
        kind: 'server',
        name: 's',
        uid: 'u1',
        revision: 0n,
        position: 1n,
        createdBy: 'User:ada',
      }),
    ]))

  it('end with the resource', () => expect(given([declared, deleted]).resources).toEqual([]))

  it('of other kinds hear of what they observe', () =>
    expect(given([declared, created, started]).resources).toEqual([
      expect.objectContaining({
        kind: 'server',
        position: 3n,
        status: { instances: { 's-1': 'running' }, health: { 's-1': 'unknown' }, readyReplicas: 1 },
      }),
      expect.objectContaining({ kind: 'instance', name: 's-1' }),
    ]))

  it('know of an instance that is to be tried again', () => {
    const retried: Told = ['instance-s-1', 'InstanceRetryRequested', { server: 's', reason: 'mended', at }]
    const [server] = given([declared, created, started, retried]).resources
    expect(server).toMatchObject({ status: { instances: { 's-1': 'pending' }, readyReplicas: 0 } })
  })

  it('are not made by what is only observed', () => expect(given([created, stopped]).resources).toEqual([]))
})

describe('rows of history', () => {
  it('are one for each declared revision, without a spec where it was deleted', () =>
    expect(given([declared, created, started, deleted, declared]).history).toEqual([
      expect.objectContaining({
        name: 's',
        revision: 0n,
        position: 1n,
        type: 'ServerDeclared',
        labels: { team: 'a' },
        spec,
      }),
      expect.objectContaining({ name: 's', revision: 1n, position: 4n, type: 'ServerDeleted', labels: {}, spec: null }),
      expect.objectContaining({ name: 's', revision: 2n, position: 5n }),
    ]))
})

/** What no fold expects: a payload that is not even an object. */
const broken = null as unknown as JsonObject

describe('an event that cannot be handled', () => {
  it('leaves what came before it, and nothing of its own', () => {
    const { handled, failure, resources } = given([declared, ['instance-t', 'InstanceCreated', broken], deleted])
    expect({ handled, names: resources.map((row) => 'name' in row && row.name) }).toEqual({ handled: 1, names: ['s'] })
    expect(failure).toBeInstanceOf(Error)
  })

  it('may be of a type that does not belong on its stream', () =>
    expect(given([declared, ['project-p', 'ServerDeleted', { uid: 'u1' }]])).toMatchObject({
      handled: 1,
      failure: { code: 'unknown-event' },
    }))

  it('may declare no spec', () =>
    expect(given([declared, ['project-p', 'ProjectDeclared', { uid: 'u1', labels: {} }]])).toMatchObject({
      handled: 1,
      failure: expect.any(TypeError),
    }))

  it('may be of an unknown type', () => {
    const { handled, failure } = given([declared, ['server-s', 'ServerExploded', {}]])
    expect(handled).toBe(1)
    expect(failure).toMatchObject({ code: 'unknown-event' })
  })
})
