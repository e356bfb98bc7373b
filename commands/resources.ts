import type { Clock, NewId } from '../domain/kernel/clock.ts'
import type { Recorded } from '../domain/kernel/decider.ts'
import { type DeclaredState, notFound, PreparedForAnotherState } from '../domain/kernel/declared.ts'
import { coded } from '../domain/kernel/errors.ts'
import type { Position, Revision } from '../domain/kernel/event.ts'
import type { JsonObject } from '../domain/kernel/json.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'
import { type Labels, type Ref, showRef, streamOf } from '../domain/kernel/name.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import type { CommandContext } from './context.ts'
import { deciderOf } from './decider-of.ts'
import { type CommandLoop, conflict, MAX_ROUNDS } from './handle.ts'
import { createReferences } from './references.ts'

export interface DeclareRequest {
  readonly kind: KindDefinition
  readonly name: string
  readonly labels: Labels
  /** Parsed by `kind.spec`. */
  readonly spec: JsonObject
  /** `create` refuses what exists, `replace` what does not, `apply` nothing. */
  readonly mode: 'create' | 'apply' | 'replace'
  /** `If-Match`. */
  readonly ifMatch?: Revision
}

export interface DeleteRequest {
  readonly kind: KindDefinition
  readonly name: string
  readonly ifMatch?: Revision
}

/** What became of a resource. `events` are all that the request caused, on all streams, in order. */
export interface Mutation {
  readonly outcome: 'created' | 'configured' | 'unchanged' | 'deleted'
  readonly events: readonly Recorded[]
  /** Of the last of them; undefined when nothing was appended. */
  readonly position: Position | undefined
}

/** What a kind does beyond the generic: made in the composition root. */
export interface KindHooks {
  /** Turns a parsed spec into the one that is stored; may do what has to be done first (make a data key). Must be repeatable; does nothing to the world when `dryRun`. */
  readonly prepare?: (input: {
    readonly ref: Ref
    readonly uid: string
    readonly spec: JsonObject
    readonly state: DeclaredState
    readonly dryRun: boolean
  }) => Promise<JsonObject>
  /** After the deletion is durable: destroys what belongs to the resource outside the log. Repeatable. */
  readonly afterDelete?: (ref: Ref, uid: string) => Promise<void>
  /** Deletes in a way of its own (an instance is stopped, and replaced). */
  readonly delete?: (ref: Ref, context: CommandContext) => Promise<{ readonly events: readonly Recorded[] }>
}

/** 405: instances and their like come and go by themselves. */
export const notDeclarable = coded(
  'not-declarable',
  405,
  'Resources of this kind are made by mcpd',
  (kind: KindDefinition) => ({
    message: `a ${kind.kind} cannot be created or changed by hand`,
    hint: kind.kind === 'instance' ? 'Change "replicas" of its server instead' : 'mcpd makes them by itself',
  }),
)

export interface ResourceCommands {
  /** Creates a resource or replaces its whole spec. @throws AlreadyExists, NotFound, StaleRevision, ReferenceNotFound, NotDeclarable */
  declare(request: DeclareRequest, context: CommandContext): Promise<Mutation>
  /** Deletes a resource that nobody refers to. @throws NotFound, InUse, StaleRevision */
  delete(request: DeleteRequest, context: CommandContext): Promise<Mutation>
}

export interface ResourceDeps {
  readonly loop: CommandLoop
  readonly registry: Registry
  readonly clock: Clock
  readonly newId: NewId
  readonly hooks: Readonly<Record<string, KindHooks>>
}

export const createResourceCommands = ({ loop, registry, clock, newId, hooks }: ResourceDeps): ResourceCommands => {
  const references = createReferences(loop, registry, clock)

  const declareOnce = async (request: DeclareRequest, context: CommandContext): Promise<Mutation> => {
    const { kind, name, labels, spec, mode, ifMatch } = request
    const ref = { kind: kind.kind, name }
    const decider = deciderOf(kind)
    const { state: before } = await loop.load(decider, streamOf(ref))
    const uid = before.uid ?? newId()
    const hook = hooks[kind.kind]?.prepare
    const prepare = async (dryRun: boolean): Promise<JsonObject> =>
      (await hook?.({ ref, uid, spec, state: before, dryRun })) ?? spec
    const declare = async (dryRun: boolean) => {
      const match = ifMatch === undefined ? {} : { ifMatch }
      const preparedAt = hook === undefined ? {} : { preparedAt: before.specRevision ?? ('none' as const) }
      const stored = await prepare(dryRun)
      const command = { type: 'Declare', ref, mode, spec: stored, labels, uid, ...match, ...preparedAt } as const
      return loop.handle(decider, streamOf(ref), command, { ...context, dryRun })
    }

    // What would be refused is refused here, before any other stream has heard of it.
    const plan = await declare(true)
    if (plan.outcome === 'unchanged') return { outcome: 'unchanged', events: [], position: undefined }
    if (plan.outcome === 'repeated') {
      const outcome = plan.events[0]?.revision === 0n ? 'created' : 'configured'
      return { outcome, events: plan.events, position: plan.position }
    }
    const outcome = before.status === 'present' ? 'configured' : 'created'

    const had = before.status === 'present' ? kind.references(before.spec ?? {}) : []
    const wants = kind.references(plan.state.spec ?? {})
    const taken: Recorded[] = []
    for (const target of without(wants, had)) taken.push(...(await references.take(ref, target, context)))
    if (context.dryRun === true) return { outcome, events: [...taken, ...plan.events], position: undefined }

    const done = await declare(false)
    const released: Recorded[] = []
    for (const target of without(had, wants)) released.push(...(await references.release(ref, target, context)))
    const events = [...taken, ...done.events, ...released]
    return { outcome, events, position: newest(events) }
  }

  return {
    async declare(request, context) {
      if (!request.kind.declarable) throw notDeclarable(request.kind)
      for (let round = 1; ; round++) {
        try {
          return await declareOnce(request, context)
        } catch (error) {
          // A prepared spec is right only for the state it was prepared from: prepare it again for the new one.
          if (!(error instanceof PreparedForAnotherState)) throw error
          if (round >= MAX_ROUNDS) throw conflict(showRef({ kind: request.kind.kind, name: request.name }))
        }
      }
    },

    async delete({ kind, name, ifMatch }, context) {
      const ref = { kind: kind.kind, name }
      const own = hooks[kind.kind]
      if (own?.delete !== undefined) {
        const { events } = await own.delete(ref, context)
        return { outcome: 'deleted', events, position: newest(events) }
      }
      const decider = deciderOf(kind)
      const { state: before } = await loop.load(decider, streamOf(ref))
      const match = ifMatch === undefined ? {} : { ifMatch }
      const staleReferences = await references.stale(ref, before)
      const done = await loop.handle(
        decider,
        streamOf(ref),
        { type: 'Delete', ref, staleReferences, ...match },
        context,
      )
      if (context.dryRun === true) return { outcome: 'deleted', events: done.events, position: undefined }
      // A repeated request may come after the resource was made again: only what is gone is cleared away.
      const { was } = done.state
      const released: Recorded[] = []
      for (const target of was === undefined ? [] : kind.references(was.spec))
        released.push(...(await references.release(ref, target, context)))
      if (was !== undefined) await own?.afterDelete?.(ref, was.uid)
      const events = [...done.events, ...released]
      return { outcome: 'deleted', events, position: newest(events) }
    },
  }
}

/** Loads a declared resource's present state. @throws NotFound */
export const loadDeclared = async (loop: CommandLoop, kind: KindDefinition, name: string): Promise<DeclaredState> => {
  const { state } = await loop.load(deciderOf(kind), streamOf({ kind: kind.kind, name }))
  if (state.status !== 'present') throw notFound({ kind: kind.kind, name })
  return state
}

const without = (refs: readonly Ref[], others: readonly Ref[]): readonly Ref[] => {
  const known = new Set(others.map(showRef))
  return refs.filter((ref) => !known.has(showRef(ref)))
}

const newest = (events: readonly Recorded[]): Position | undefined =>
  events.reduce<Position | undefined>(
    (max, { position }) => (max === undefined || position > max ? position : max),
    undefined,
  )
