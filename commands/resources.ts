import type { Clock, NewId } from '../domain/kernel/clock.ts'
import type { Recorded } from '../domain/kernel/decider.ts'
import { type DeclaredCommand, type DeclaredState, notFound } from '../domain/kernel/declared.ts'
import { coded } from '../domain/kernel/errors.ts'
import type { Position, Revision } from '../domain/kernel/event.ts'
import type { JsonObject } from '../domain/kernel/json.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'
import { type Labels, type Ref, showRef, streamOf } from '../domain/kernel/name.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import type { CommandContext } from './context.ts'
import { deciderOf } from './decider-of.ts'
import type { CommandLoop } from './handle.ts'
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
  /** Fills in what a parsed spec leaves to the system, and refuses what this kind cannot be. Does nothing to the world. */
  readonly complete?: (spec: JsonObject, state: DeclaredState) => Promise<JsonObject>
  /**
   * Turns a completed spec into the one that is stored; may do what has to be done first (make a data key), but nothing to
   * the world when `dryRun`. Called when nothing else can refuse the declaration any more, again when it loses a race.
   */
  readonly prepare?: (input: {
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

/** 409: mcpd depends on it. */
export const partOfSystem = coded(
  'part-of-system',
  409,
  'A resource that mcpctl itself needs cannot be deleted',
  (ref: Ref) => ({
    message: `${showRef(ref)} belongs to mcpctl itself and cannot be deleted`,
    hint: 'It can be changed',
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
  const releaseAll = async (by: Ref, targets: readonly Ref[], context: CommandContext): Promise<Recorded[]> => {
    const released: Recorded[] = []
    for (const target of targets) released.push(...(await references.release(by, target, context)))
    return released
  }

  return {
    async declare({ kind, name, labels, spec, mode, ifMatch }, context) {
      if (!kind.declarable) throw notDeclarable(kind)
      const ref = { kind: kind.kind, name }
      const decider = deciderOf(kind)
      const hook = hooks[kind.kind]
      const match = ifMatch === undefined ? {} : { ifMatch }
      const newUid = newId()
      let had: readonly Ref[] = []
      let wants: readonly Ref[] = []
      let taken: Recorded[] = []

      const make = async (state: DeclaredState, fresh: boolean): Promise<DeclaredCommand | undefined> => {
        if (!fresh && hook?.prepare !== undefined) return undefined
        const uid = state.uid ?? newUid
        const whole = (await hook?.complete?.(spec, state)) ?? spec
        const command = { type: 'Declare', ref, mode, spec: whole, labels, uid, ...match } as const
        had = referencesOf(kind, state)
        wants = kind.references(whole)
        const missing = without(wants, had)
        if (hook?.prepare === undefined && missing.length === 0) return command
        if (!fresh) return undefined
        // What would be refused is refused here, before any other stream or the keyring has heard of it.
        decider.decide(command, state)
        const trial = { ...context, dryRun: true }
        if (missing.length > 1) for (const target of missing) await references.take(ref, target, trial)
        taken = []
        for (const target of missing) taken.push(...(await references.take(ref, target, context)))
        const dryRun = context.dryRun === true
        return { ...command, spec: (await hook?.prepare?.({ uid, spec: whole, state, dryRun })) ?? whole }
      }

      const done = await loop.handleMade(decider, streamOf(ref), make, context)
      if (done.outcome === 'unchanged') return { outcome: 'unchanged', events: [], position: undefined }
      if (done.outcome === 'repeated') {
        const outcome = done.events[0]?.revision === 0n ? 'created' : 'configured'
        return { outcome, events: done.events, position: done.position }
      }
      const released = context.dryRun === true ? [] : await releaseAll(ref, without(had, wants), context)
      const events = [...taken, ...done.events, ...released]
      const outcome = done.state.uid === newUid ? 'created' : 'configured'
      return { outcome, events, position: context.dryRun === true ? undefined : newest(events) }
    },

    async delete({ kind, name, ifMatch }, context) {
      const ref = { kind: kind.kind, name }
      if (kind.undeletable.includes(name)) throw partOfSystem(ref)
      const own = hooks[kind.kind]
      if (own?.delete !== undefined) {
        const { events } = await own.delete(ref, context)
        return { outcome: 'deleted', events, position: newest(events) }
      }
      const match = ifMatch === undefined ? {} : { ifMatch }
      const make = async (state: DeclaredState): Promise<DeclaredCommand> => ({
        type: 'Delete',
        ref,
        staleReferences: await references.stale(ref, state),
        ...match,
      })
      const done = await loop.handleMade(deciderOf(kind), streamOf(ref), make, context)
      if (context.dryRun === true) return { outcome: 'deleted', events: done.events, position: undefined }
      // A repeated request may come after the resource was made again: only what is gone is cleared away.
      const { was } = done.state
      const released = was === undefined ? [] : await releaseAll(ref, kind.references(was.spec), context)
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

const referencesOf = (kind: KindDefinition, { spec }: DeclaredState): readonly Ref[] =>
  spec === undefined ? [] : kind.references(spec)

const without = (refs: readonly Ref[], others: readonly Ref[]): readonly Ref[] => {
  const known = new Set(others.map(showRef))
  return refs.filter((ref) => !known.has(showRef(ref)))
}

const newest = (events: readonly Recorded[]): Position | undefined =>
  events.reduce<Position | undefined>(
    (max, { position }) => (max === undefined || position > max ? position : max),
    undefined,
  )
