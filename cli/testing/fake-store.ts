import type { Recorded } from '../../domain/kernel/decider.ts'
import { type DeclaredState, declaredDecider, notFound, staleRevision } from '../../domain/kernel/declared.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { DomainEvent } from '../../domain/kernel/event.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Labels } from '../../domain/kernel/name.ts'
import { type Resource, type ResourceRow, toResource } from '../../domain/kernel/resource.ts'

export interface Outcome {
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'deleted'
  readonly resource?: Resource
  readonly position?: string
  readonly events: readonly object[]
}

export interface Write {
  readonly mode: 'create' | 'apply'
  readonly name: string
  readonly labels: Labels
  readonly spec: JsonObject
  readonly dryRun: boolean
  readonly ifMatch: string | undefined
}

/** The resources of a pretended mcpd: the domain's own deciders and folds over a list of events in memory. */
export class FakeStore {
  readonly events: Recorded<DomainEvent>[] = []
  readonly secretValues = new Map<string, Record<string, string>>()
  readonly #rows = new Map<string, ResourceRow>()
  readonly #waiting = new Set<() => void>()

  rows(kind: string): readonly ResourceRow[] {
    return [...this.#rows.values()].filter((row) => row.kind === kind).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  row(kind: string, name: string): ResourceRow {
    const row = this.#rows.get(`${kind}-${name}`)
    if (row === undefined) throw notFound({ kind, name })
    return row
  }

  get head(): bigint {
    return BigInt(this.events.length)
  }

  stream(kind: string, name: string): readonly Recorded<DomainEvent>[] {
    return this.events.filter(({ stream }) => stream === `${kind}-${name}`)
  }

  declare(kind: KindDefinition, write: Write): Outcome {
    const ref = { kind: kind.kind, name: write.name }
    const decider = declaredDecider(kind.eventPrefix ?? '')
    const state = this.#state(kind, write.name)
    const spec = kind.kind === 'secret' ? this.#sealed(write) : write.spec
    this.#referencesExist(kind, spec)
    const decided = decider.decide(
      {
        type: 'Declare',
        ref,
        mode: write.mode,
        spec,
        labels: write.labels,
        uid: `uid-${this.events.length + 1}`,
        ...(write.ifMatch === undefined ? {} : { ifMatch: BigInt(write.ifMatch) }),
      },
      state,
    )
    const outcome = decided.length === 0 ? 'unchanged' : state.status === 'present' ? 'configured' : 'created'
    const stream = `${kind.kind}-${write.name}`
    const recorded = decided.map((event, i) => this.#recorded(stream, event as DomainEvent, i))
    const before = this.#rows.get(stream)
    const row = recorded.reduce<ResourceRow | undefined>((folded, event) => kind.fold(folded, event), before)
    if (!write.dryRun) this.#keep(stream, recorded, row)
    return {
      outcome,
      ...(row === undefined ? {} : { resource: toResource(row) }),
      position: String(this.head),
      events: recorded.map(shown),
    }
  }

  delete(kind: KindDefinition, name: string, options: { dryRun: boolean; ifMatch: string | undefined }): Outcome {
    const row = this.row(kind.kind, name)
    if (options.ifMatch !== undefined && BigInt(options.ifMatch) !== row.revision)
      throw staleRevision(row, BigInt(options.ifMatch), row.revision)
    const stream = `${kind.kind}-${name}`
    const event = this.#recorded(stream, { type: `${kind.eventPrefix}Deleted`, data: { uid: row.uid } }, 0)
    if (!options.dryRun) this.#keep(stream, [event], undefined)
    return { outcome: 'deleted', position: String(this.head), events: [shown(event)] }
  }

  /** Puts a row there that no command makes: an instance. */
  put(kind: string, name: string, row: { readonly spec: JsonObject; readonly status: JsonObject }): void {
    const stream = `${kind}-${name}`
    const event = this.#recorded(stream, { type: 'InstanceStarted', data: { server: String(row.spec.server) } }, 0)
    const { at, revision, position } = event
    const by = 'System:reconciler'
    this.#keep(stream, [event], {
      ...row,
      ...{ kind, name, uid: `uid-${position}`, revision, position, labels: {} },
      ...{ createdAt: at, updatedAt: at, createdBy: by, updatedBy: by },
    })
  }

  /** Resolves when something changed after `position`, or after `timeoutMs`. */
  async changedAfter(kind: string, position: bigint, timeoutMs: number): Promise<void> {
    if (this.events.some((event) => event.position > position && event.stream.startsWith(`${kind}-`))) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, timeoutMs)
      const waiting = this.#waiting
      function done(): void {
        clearTimeout(timer)
        waiting.delete(done)
        resolve()
      }
      waiting.add(done)
    })
  }

  /** Lets every long poll go. */
  wake(): void {
    for (const each of [...this.#waiting]) each()
  }

  #state(kind: KindDefinition, name: string): DeclaredState {
    const { initial, evolve } = declaredDecider(kind.eventPrefix ?? '')
    return this.stream(kind.kind, name).reduce<DeclaredState>((state, event) => evolve(state, event as never), initial)
  }

  /** Not encrypted, but the same for the same value, as mcpd's decision is. */
  #sealed({ name, spec, dryRun }: Write): JsonObject {
    const known = this.secretValues.get(name) ?? {}
    const given = Object.entries((spec.data ?? {}) as Record<string, string | null>)
    const values = Object.fromEntries(given.map(([key, value]) => [key, value ?? known[key] ?? '']))
    if (!dryRun) this.secretValues.set(name, values)
    const seal = (value: string) => ({ nonce: '', ciphertext: `${value.length}:${hash(value)}`, tag: '' })
    return {
      backend: spec.backend ?? 'default',
      data: Object.fromEntries(Object.entries(values).map(([key, value]) => [key, seal(value)])),
    }
  }

  #referencesExist(kind: KindDefinition, spec: JsonObject): void {
    for (const ref of kind.references(spec))
      if (ref.kind !== 'secretbackend' && !this.#rows.has(`${ref.kind}-${ref.name}`))
        throw new CodedError('reference-not-found', 422, `${ref.kind}/${ref.name} does not exist`, {
          hint: 'Create it first',
        })
  }

  #recorded(stream: string, event: DomainEvent, offset: number): Recorded<DomainEvent> {
    const position = this.head + BigInt(offset) + 1n
    return {
      ...event,
      stream,
      position,
      eventId: `event-${position}`,
      revision: BigInt(this.events.filter((each) => each.stream === stream).length + offset),
      at: '2026-01-01T00:00:00.000Z',
      actor: { kind: 'User', name: 'ada' },
    }
  }

  #keep(stream: string, events: readonly Recorded<DomainEvent>[], row: ResourceRow | undefined): void {
    if (events.length === 0) return
    this.events.push(...events)
    if (row === undefined) this.#rows.delete(stream)
    else this.#rows.set(stream, row)
    this.wake()
  }
}

export const shown = (event: Recorded<DomainEvent>): object => {
  const { stream, revision, position, type, at, actor, data } = event
  const hidden = type === 'SecretDeclared' ? { ...data, spec: null } : data
  return { stream, revision: String(revision), position: String(position), type, at, actor, data: hidden }
}

const hash = (text: string): number =>
  [...text].reduce((sum, character) => (sum * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003, 7)
