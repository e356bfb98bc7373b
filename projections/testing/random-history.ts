import fc from 'fast-check'
import { instanceDecider } from '../../domain/instance/decide.ts'
import type { Decider } from '../../domain/kernel/decider.ts'
import { declaredDecider } from '../../domain/kernel/declared.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { DomainEvent } from '../../domain/kernel/event.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { record } from '../../domain/kernel/testing/given.ts'
import { defaultBackendDecider } from '../../domain/secretbackend/defaults.ts'
import type { Told } from './given.ts'

/** A command to one stream. */
interface Step {
  readonly stream: string
  readonly decider: Decider<unknown, unknown, DomainEvent>
  readonly command: unknown
}

const at = '2026-03-01T12:00:00.000Z'
const name = fc.constantFrom('a', 'b', 'c')
const text = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 8 }))
const labels = fc.dictionary(fc.constantFrom('team', 'tier'), fc.constantFrom('x', 'y'), { noNullPrototype: true })
const server = text.map((command) => ({ command, args: [], env: [], transport: 'STDIO', replicas: 1 }))
const specs = {
  Server: server,
  Project: fc.record({ description: text, servers: name.map((each) => [{ name: each }]) }),
  Secret: fc.record({ backend: name, data: fc.dictionary(fc.constantFrom('K', 'L'), fc.constant({ nonce: '' })) }),
  SecretBackend: fc.record({ type: fc.constant('encrypted'), description: text }),
} as const
const PREFIXES = ['Server', 'Project', 'Secret', 'SecretBackend'] as const

const toStep = <State, Command, Event extends DomainEvent>(
  stream: string,
  decider: Decider<State, Command, Event>,
  command: Command,
): Step => ({ stream, command, decider: decider as unknown as Step['decider'] })

const declared = fc.constantFrom(...PREFIXES).chain((prefix) => {
  const kind = prefix.toLowerCase()
  const decider = declaredDecider(prefix)
  const declare = fc.tuple(name, fc.constantFrom('u1', 'u2'), specs[prefix], labels).map(([of, uid, spec, given]) => {
    const ref = { kind, name: of }
    return toStep(`${kind}-${of}`, decider, {
      type: 'Declare',
      ref,
      mode: 'apply',
      spec: spec as JsonObject,
      labels: { ...given },
      uid,
    })
  })
  const others = fc
    .tuple(name, name, fc.constantFrom('Delete', 'TakeReference', 'ReleaseReference'))
    .map(([of, by, type]) => {
      const ref = { kind, name: of }
      const referrer = { kind: 'project', name: by }
      if (type === 'Delete') return toStep(`${kind}-${of}`, decider, { type, ref, staleReferences: [`project/${by}`] })
      if (type === 'TakeReference') return toStep(`${kind}-${of}`, decider, { type, ref, by: referrer, at })
      return toStep(`${kind}-${of}`, decider, { type: 'ReleaseReference', by: referrer })
    })
  return fc.oneof(declare, others)
})

const instances = fc
  .tuple(
    name,
    fc.constantFrom('CreateInstance', 'BeginStart', 'ReportStarted', 'ReportStartFailed', 'ReportExit', 'StopInstance'),
    text,
  )
  .map(([of, type, reason]) => {
    const instance = `${of}-1`
    const stream = `instance-${instance}`
    switch (type) {
      case 'CreateInstance': {
        const ids = { uid: 'i', server: of, serverUid: 's', specHash: 'h' }
        return toStep(stream, instanceDecider, { type, instance, at, ...ids })
      }
      case 'BeginStart':
        return toStep(stream, instanceDecider, { type, instance, at })
      case 'ReportStarted':
        return toStep(stream, instanceDecider, { type, instance, at, details: { reason } })
      default:
        return toStep(stream, instanceDecider, { type, instance, at, reason })
    }
  })

const defaults = name.map((each) =>
  toStep('defaults-secretbackend', defaultBackendDecider, { type: 'ChooseDefault', name: each }),
)

/** What the deciders make of random commands, refused ones left out: any history that mcpd may have written. */
export const randomHistory = (maxCommands: number): fc.Arbitrary<readonly Told[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: declared },
        { weight: 3, arbitrary: instances },
        { weight: 1, arbitrary: defaults },
      ),
      { minLength: 1, maxLength: maxCommands },
    )
    .map(happened)

const happened = (steps: readonly Step[]): readonly Told[] => {
  const streams = new Map<string, DomainEvent[]>()
  const told: Told[] = []
  for (const { stream, decider, command } of steps) {
    const before = streams.get(stream) ?? []
    const state = record(before, stream).reduce(decider.evolve, decider.initial)
    for (const event of decided(decider, command, state)) {
      told.push([stream, event.type, event.data])
      before.push(event)
    }
    streams.set(stream, before)
  }
  return told
}

const decided = (decider: Step['decider'], command: unknown, state: unknown): readonly DomainEvent[] => {
  try {
    return decider.decide(command, state)
  } catch (error) {
    if (error instanceof CodedError) return []
    throw error
  }
}
