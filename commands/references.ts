import type { Clock } from '../domain/kernel/clock.ts'
import type { Recorded } from '../domain/kernel/decider.ts'
import { type DeclaredState, notFound } from '../domain/kernel/declared.ts'
import { coded, isError } from '../domain/kernel/errors.ts'
import type { JsonObject } from '../domain/kernel/json.ts'
import type { KindDefinition } from '../domain/kernel/kind.ts'
import { parseRef, type Ref, showRef, streamOf } from '../domain/kernel/name.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import { type CommandContext, within } from './context.ts'
import { deciderOf } from './decider-of.ts'
import { derivedUuid } from './event-id.ts'
import type { CommandLoop } from './handle.ts'

/** A reference whose referrer never came to be is ignored once it is this old. */
export const STALE_AFTER_MS = 60_000

/** 422: a spec names a resource that does not exist. */
export const referenceNotFound = coded(
  'reference-not-found',
  422,
  'A spec names a resource that does not exist',
  (by: Ref, target: Ref) => ({
    message: `${showRef(by)} refers to ${showRef(target)}, which does not exist`,
    hint: `Create ${showRef(target)} first, or apply both together`,
  }),
)

export interface References {
  /** Makes `target` know that `by` refers to it. @throws ReferenceNotFound */
  take(by: Ref, target: Ref, context: CommandContext): Promise<readonly Recorded[]>
  /** Undoes `take`; a target that is gone, or does not know of it, is fine. */
  release(by: Ref, target: Ref, context: CommandContext): Promise<readonly Recorded[]>
  /** Which of a resource's references are held by nobody: their referrer does not refer to it and had time enough to. */
  stale(target: Ref, state: DeclaredState): Promise<readonly string[]>
}

/** References held on the stream of what is referred to, so that "in use" is one decision on one stream. */
export const createReferences = (loop: CommandLoop, registry: Registry, clock: Clock): References => {
  const send = async (
    type: 'TakeReference' | 'ReleaseReference',
    by: Ref,
    target: Ref,
    context: CommandContext,
  ): Promise<readonly Recorded[]> => {
    const kind = registry.find(target.kind)
    if (kind === undefined) throw new Error(`${showRef(by)} refers to ${showRef(target)}, which is no kind`)
    const id = derivedUuid(context.commandId, type, showRef(by), showRef(target))
    const command = type === 'TakeReference' ? { type, ref: target, by, at: clock.now().toISOString() } : { type, by }
    const { events } = await loop.handle(deciderOf(kind), streamOf(target), command, within(context, id))
    return events
  }

  const holds = async (holder: Ref, target: Ref): Promise<boolean> => {
    const kind = registry.find(holder.kind)
    if (kind === undefined || kind.eventPrefix === undefined) return true // not a declared resource: it releases by itself
    const { state } = await loop.load(deciderOf(kind), streamOf(holder))
    return state.status === 'present' && refersTo(kind, state.spec ?? {}, target)
  }

  return {
    async take(by, target, context) {
      try {
        return await send('TakeReference', by, target, context)
      } catch (error) {
        if (isError(error, notFound)) throw referenceNotFound(by, target)
        throw error
      }
    },
    release: (by, target, context) => send('ReleaseReference', by, target, context),
    async stale(target, state) {
      const limit = clock.now().getTime() - STALE_AFTER_MS
      const old = Object.entries(state.usedBy).filter(([, takenAt]) => Date.parse(takenAt) < limit)
      const held = await Promise.all(old.map(([by]) => holds(parseRef(by), target)))
      return old.filter((_, i) => held[i] === false).map(([by]) => by)
    },
  }
}

const refersTo = (kind: KindDefinition, spec: JsonObject, target: Ref): boolean =>
  kind.references(spec).some((each) => each.kind === target.kind && each.name === target.name)
