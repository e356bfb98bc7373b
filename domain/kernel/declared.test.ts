import { describe, expect, it } from 'vitest'
import { type DeclaredCommand, type DeclaredEvent, declaredDecider } from './declared.ts'
import { given } from './testing/given.ts'

const decider = declaredDecider('Server')
const ref = { kind: 'server', name: 'github' }
const declare = (
  spec: { replicas: number },
  more: Partial<DeclaredCommand & { type: 'Declare' }> = {},
): DeclaredCommand => ({
  type: 'Declare',
  ref,
  mode: 'apply',
  spec,
  labels: {},
  uid: 'u1',
  ...more,
})
const declared = (replicas: number, uid = 'u1'): DeclaredEvent => ({
  type: 'ServerDeclared',
  data: { uid, spec: { replicas }, labels: {} },
})
const deleted: DeclaredEvent = { type: 'ServerDeleted', data: { uid: 'u1' } }
const taken: DeclaredEvent = { type: 'ReferenceTaken', data: { by: 'project/demo', at: '2026-01-01T00:00:00.000Z' } }
const remove: DeclaredCommand = { type: 'Delete', ref, staleReferences: [] }

describe('a resource that is not there', () => {
  it('is declared with the uid of the command', () =>
    given(decider)
      .when(declare({ replicas: 1 }))
      .then(declared(1)))
  it('is not replaced', () =>
    given(decider)
      .when(declare({ replicas: 1 }, { mode: 'replace' }))
      .rejects('not-found'))
  it('is not deleted', () => given(decider).when(remove).rejects('not-found'))
  it('cannot be referred to', () =>
    given(decider)
      .when({ type: 'TakeReference', ref, by: { kind: 'project', name: 'demo' }, at: '2026-01-01T00:00:00.000Z' })
      .rejects('not-found'))
})

describe('a resource that is there', () => {
  const present = given(decider, declared(1))

  it('is already so when the same spec is declared, whatever the order of its keys', () =>
    present.when(declare({ replicas: 1 }, { uid: 'u2' })).thenNothing())
  it('keeps its uid when its spec changes', () =>
    present.when(declare({ replicas: 2 }, { uid: 'u2' })).then(declared(2)))
  it('is not created twice', () => present.when(declare({ replicas: 1 }, { mode: 'create' })).rejects('already-exists'))
  it('is changed at the revision that was read', () =>
    present.when(declare({ replicas: 2 }, { ifMatch: 0n })).then(declared(2)))
  it('is not changed at another revision', () =>
    present
      .and(declared(2))
      .when(declare({ replicas: 3 }, { ifMatch: 0n }))
      .rejects('stale-revision'))
  it('is at the revision of its last spec, not of a reference taken since', () =>
    present
      .and(taken)
      .when(declare({ replicas: 2 }, { ifMatch: 0n }))
      .then(declared(2)))
  it('gets a new uid when it is created again after its deletion', () =>
    present
      .and(deleted)
      .when(declare({ replicas: 1 }, { uid: 'u2', mode: 'create' }))
      .then(declared(1, 'u2')))
})

describe('a resource that others refer to', () => {
  const used = given(decider, declared(1), taken)

  it('is not deleted, and the error says by whom', () =>
    expect(used.when(remove).rejects('in-use').details.by).toEqual(['project/demo']))
  it('is deleted when the reference turned out stale', () =>
    used.when({ ...remove, staleReferences: ['project/demo'] }).then(deleted))
  it('is deleted when the reference was released', () =>
    used
      .and({ type: 'ReferenceReleased', data: { by: 'project/demo' } })
      .when(remove)
      .then(deleted))
  it('holds each reference once', () =>
    used
      .when({ type: 'TakeReference', ref, by: { kind: 'project', name: 'demo' }, at: '2026-01-02T00:00:00.000Z' })
      .thenNothing())
})
