import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { accessTokenDecider } from './accesstoken/decide.ts'
import { instanceDecider } from './instance/decide.ts'
import type { Decider } from './kernel/decider.ts'
import { declaredDecider } from './kernel/declared.ts'
import { CodedError } from './kernel/errors.ts'
import type { DomainEvent } from './kernel/event.ts'
import { record } from './kernel/testing/given.ts'
import { eventsOn } from './kernel/testing/varied-events.ts'
import { leaseDecider } from './lease/lease.ts'
import { kinds } from './registry.ts'
import { masterKeyDecider } from './secret/master-key.ts'
import { defaultBackendDecider } from './secretbackend/defaults.ts'
import { restartDecider } from './server/restart.ts'
import { templateFilesDecider } from './template/files.ts'

const at = '2026-01-01T00:00:00.000Z'
const ref = { kind: 'server', name: 'a' }
const by = fc.constantFrom('a', 'b').map((name) => ({ kind: 'project', name }))
const instance = 'a-1'

interface Subject {
  readonly name: string
  readonly decider: Decider<unknown, unknown, DomainEvent>
  readonly category: string
  readonly commands: fc.Arbitrary<unknown>
}
const subject = <S, C, E extends DomainEvent>(
  name: string,
  category: string,
  decider: Decider<S, C, E>,
  commands: fc.Arbitrary<NoInfer<C>>,
): Subject => ({ name, category, commands, decider: decider as unknown as Subject['decider'] })

const declaredCommands = fc.oneof(
  fc.record({
    type: fc.constant('Declare' as const),
    ref: fc.constant(ref),
    mode: fc.constantFrom('create' as const, 'apply' as const, 'replace' as const),
    spec: fc.record({ replicas: fc.integer({ min: 0, max: 2 }) }),
    labels: fc.constant({}),
    uid: fc.constantFrom('u1', 'u2'),
  }),
  fc.constant({ type: 'Delete' as const, ref, staleReferences: [] }),
  by.map((holder) => ({ type: 'TakeReference' as const, ref, by: holder, at })),
  by.map((holder) => ({ type: 'ReleaseReference' as const, by: holder })),
)

const subjects: readonly Subject[] = [
  ...kinds.flatMap(({ kind, eventPrefix }) =>
    eventPrefix === undefined ? [] : [subject(kind, kind, declaredDecider(eventPrefix), declaredCommands)],
  ),
  subject('restart', 'server', restartDecider, fc.constant({ type: 'RequestRestart', name: 'a', at } as const)),
  subject(
    'template files',
    'templatefiles',
    templateFilesDecider,
    fc
      .uniqueArray(
        fc.record({
          name: fc.constantFrom('a', 'b'),
          file: fc.constantFrom('/x/a.yaml', '/y/b.yaml'),
          state: fc.constantFrom('ok' as const, 'changed' as const, 'broken' as const),
          content: fc.constantFrom('1', '2'),
        }),
        { selector: ({ name }) => name },
      )
      .map((reports) => ({ type: 'ReportFiles' as const, reports })),
  ),
  subject(
    'instance',
    'instance',
    instanceDecider,
    fc.constantFrom(
      { type: 'CreateInstance', instance, uid: 'i', server: 'a', serverUid: 's', specHash: 'h', at } as const,
      { type: 'BeginStart', instance, at } as const,
      { type: 'ReportStarted', instance, at, details: {} } as const,
      { type: 'ReportStartFailed', instance, at, reason: 'no' } as const,
      { type: 'ReportExit', instance, at, reason: 'died' } as const,
      { type: 'ReportHealth', instance, at, startedAt: at, health: 'healthy' } as const,
      { type: 'ReportHealth', instance, at, startedAt: at, health: 'unhealthy', reason: 'no answer' } as const,
      { type: 'EndUnhealthy', instance, at, startedAt: at, reason: 'no answer' } as const,
      { type: 'ReportInterrupted', instance, at, reason: 'restarted' } as const,
      { type: 'RequestRetry', instance, at, reason: 'mended' } as const,
      { type: 'StopInstance', instance, at, reason: 'enough' } as const,
    ),
  ),
  subject(
    'accesstoken',
    'accesstoken',
    accessTokenDecider,
    fc.constantFrom(
      { type: 'IssueAccessToken', principal: { kind: 'User', name: 'ada' }, description: '', at } as const,
      { type: 'RevokeAccessToken', reason: 'lost', at } as const,
    ),
  ),
  subject(
    'masterkey',
    'masterkey',
    masterKeyDecider,
    fc
      .constantFrom('k1', 'k2')
      .map((to) => ({ type: 'RecordMasterKeyRotation' as const, from: 'k0', to, rewrapped: 1, at })),
  ),
  subject(
    'defaults',
    'defaults',
    defaultBackendDecider,
    fc.constantFrom('a', 'b').map((name) => ({ type: 'ChooseDefault' as const, name })),
  ),
  subject(
    'lease',
    'lease',
    leaseDecider,
    fc
      .record({ id: fc.constantFrom('a', 'b'), at: fc.constantFrom('none' as const, 0n, 1n, 2n, 3n) })
      .chain(({ id, at }) => {
        const holder = { id, url: `http://${id}`, ttlMs: 1000 }
        return fc.constantFrom(
          { type: 'TakeLease' as const, holder, expired: at },
          { type: 'RenewLease' as const, holder, after: at },
          { type: 'ReleaseLease' as const, id },
        )
      }),
  ),
]

describe.each(subjects)('the decider of $name', ({ decider, commands, category }) => {
  const run = (history: readonly DomainEvent[]): unknown => record(history).reduce(decider.evolve, decider.initial)
  const attempt = (command: unknown, history: readonly DomainEvent[]): readonly DomainEvent[] | CodedError => {
    try {
      return decider.decide(command, run(history))
    } catch (error) {
      if (error instanceof CodedError) return error
      throw error
    }
  }

  it('decides nothing, or refuses, when a command is repeated', () =>
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 12 }), commands, (before, command) => {
        let history: readonly DomainEvent[] = []
        for (const each of before) {
          const events = attempt(each, history)
          if (!(events instanceof CodedError)) history = [...history, ...events]
        }
        const first = attempt(command, history)
        if (first instanceof CodedError) return
        const again = attempt(command, [...history, ...first])
        if (!(again instanceof CodedError)) expect(again).toEqual([])
      }),
    ))

  it('can fold any history of the events of its streams, and decide on what it comes to', () =>
    fc.assert(
      fc.property(fc.array(eventsOn(category), { maxLength: 30 }), commands, (history, command) => {
        attempt(command, history)
      }),
    ))
})
