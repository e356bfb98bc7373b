import { z } from 'zod'
import { assertNever } from './assert-never.ts'
import type { Decider, Recorded } from './decider.ts'
import { coded } from './errors.ts'
import type { DomainEvent, Revision } from './event.ts'
import { type EventOf, type EventType, eventType } from './event-type.ts'
import { isObject, type JsonObject } from './json.ts'
import { type Labels, labels, type Ref, showRef } from './name.ts'
import type { ResourceFold, ResourceRow } from './resource.ts'
import { sameJson } from './same-json.ts'

/** The state of a declared resource's stream. */
export interface DeclaredState {
  readonly status: 'none' | 'present' | 'deleted'
  readonly uid?: string
  readonly spec?: JsonObject
  readonly labels?: Labels
  /** Revision of the last change of spec or labels. */
  readonly specRevision?: Revision
  /** Who refers to this resource: `kind/name` → when the reference was taken, ISO 8601. */
  readonly usedBy: Readonly<Record<string, string>>
  /** Of a deleted resource: what it was, so that a repeated deletion can finish what the first one had no time for. */
  readonly was?: { readonly uid: string; readonly spec: JsonObject }
}

/** What may be asked of a declared resource. Everything that is not in the state comes with the command. */
export type DeclaredCommand =
  | {
      readonly type: 'Declare'
      readonly ref: Ref
      /** `create` refuses what exists; `apply` takes both. */
      readonly mode: 'create' | 'apply' | 'replace'
      readonly spec: JsonObject
      readonly labels: Labels
      /** Used when the resource is new. */
      readonly uid: string
      /** `If-Match`: refuse unless the spec is at this revision. */
      readonly ifMatch?: Revision
    }
  | {
      readonly type: 'Delete'
      readonly ref: Ref
      readonly ifMatch?: Revision
      readonly staleReferences: readonly string[]
    }
  | { readonly type: 'TakeReference'; readonly ref: Ref; readonly by: Ref; readonly at: string }
  | { readonly type: 'ReleaseReference'; readonly by: Ref }

export const referenceTaken = eventType({
  type: 'ReferenceTaken',
  version: 1,
  categories: [],
  summary: 'Another resource refers to this one from now on: it cannot be deleted',
  schema: z.object({ by: z.string(), at: z.string() }),
})
export const referenceReleased = eventType({
  type: 'ReferenceReleased',
  version: 1,
  categories: [],
  summary: 'Another resource no longer refers to this one',
  schema: z.object({ by: z.string() }),
})

export type DeclaredEvent =
  | DomainEvent<`${string}Declared`, { uid: string; spec: JsonObject; labels: Labels }>
  | DomainEvent<`${string}Deleted`, { uid: string }>
  | EventOf<typeof referenceTaken>
  | EventOf<typeof referenceReleased>

export const notFound = coded('not-found', 404, 'There is no such resource', (ref: Ref) => ({
  message: `${showRef(ref)} does not exist`,
  hint: `"mcpctl get ${ref.kind}" lists what there is`,
}))

export const alreadyExists = coded('already-exists', 409, 'A resource of this name exists already', (ref: Ref) => ({
  message: `${showRef(ref)} exists already`,
  hint: 'Use "mcpctl apply" or "mcpctl edit" to change it, or choose another name',
}))

export const staleRevision = coded(
  'stale-revision',
  412,
  'The resource has changed since it was read',
  (ref: Ref, wanted: Revision, actual: Revision) => ({
    message: `${showRef(ref)} is at revision ${actual}, not ${wanted}`,
    hint: 'Read it again, make the change again, and send the new revision',
    actual: String(actual),
  }),
)

/** 409: a resource that others refer to is not deleted. `details.by` lists up to 20 of them as `kind/name`. */
export const inUse = coded(
  'in-use',
  409,
  'A resource that others refer to cannot be deleted',
  (ref: Ref, by: readonly string[]) => ({
    message: `${showRef(ref)} is used by ${by.slice(0, 20).join(', ')}${by.length > 20 ? ` and ${by.length - 20} more` : ''}`,
    hint: 'Delete those first, or take the reference out of them',
    by: by.slice(0, 20),
  }),
)

const INITIAL = { status: 'none', usedBy: {} } as const

/** The decider of a resource that users declare: whole specs in, `<Kind>Declared` and `<Kind>Deleted` out. */
export const declaredDecider = (eventPrefix: string): Decider<DeclaredState, DeclaredCommand, DeclaredEvent> => ({
  initial: INITIAL,
  evolve: (state, event) => evolveDeclared(eventPrefix, state, event),
  decide(command, state) {
    switch (command.type) {
      case 'Declare': {
        if (command.mode === 'create' && state.status === 'present') throw alreadyExists(command.ref)
        if (command.mode === 'replace' && state.status !== 'present') throw notFound(command.ref)
        assertMatch(command.ref, command.ifMatch, state)
        if (state.status === 'present' && sameJson(state.spec, command.spec) && sameJson(state.labels, command.labels))
          return []
        const uid = state.status === 'present' && state.uid !== undefined ? state.uid : command.uid
        return [{ type: `${eventPrefix}Declared`, data: { uid, spec: command.spec, labels: command.labels } }]
      }
      case 'Delete': {
        if (state.status !== 'present' || state.uid === undefined) throw notFound(command.ref)
        assertMatch(command.ref, command.ifMatch, state)
        const holders = Object.keys(state.usedBy).filter((by) => !command.staleReferences.includes(by))
        if (holders.length > 0) throw inUse(command.ref, holders.sort())
        return [{ type: `${eventPrefix}Deleted`, data: { uid: state.uid } }]
      }
      case 'TakeReference': {
        if (state.status !== 'present') throw notFound(command.ref)
        const by = showRef(command.by)
        return by in state.usedBy ? [] : [{ type: 'ReferenceTaken', data: { by, at: command.at } }]
      }
      case 'ReleaseReference': {
        const by = showRef(command.by)
        return by in state.usedBy ? [{ type: 'ReferenceReleased', data: { by } }] : []
      }
      default:
        return assertNever(command)
    }
  },
})

const assertMatch = (ref: Ref, ifMatch: Revision | undefined, state: DeclaredState): void => {
  if (ifMatch === undefined) return
  if (state.status !== 'present' || state.specRevision === undefined) throw notFound(ref)
  if (state.specRevision !== ifMatch) throw staleRevision(ref, ifMatch, state.specRevision)
}

const evolveDeclared = (eventPrefix: string, state: DeclaredState, event: Recorded<DeclaredEvent>): DeclaredState => {
  if (event.type === 'ReferenceTaken') {
    const { by, at } = event.data as { by: string; at: string }
    return { ...state, usedBy: { ...state.usedBy, [by]: at } }
  }
  if (event.type === 'ReferenceReleased') {
    const { [(event.data as { by: string }).by]: _gone, ...usedBy } = state.usedBy
    return { ...state, usedBy }
  }
  if (event.type === `${eventPrefix}Declared`) {
    const { uid, spec, labels } = declaration(event)
    return { status: 'present', uid, spec, labels, specRevision: event.revision, usedBy: state.usedBy }
  }
  if (event.type === `${eventPrefix}Deleted`) {
    const { uid } = event.data as { uid: string }
    return { status: 'deleted', usedBy: {}, was: { uid, spec: state.spec ?? {} } }
  }
  return state // events of the kind's own behaviour do not change what was declared
}

/** What a `Declared` event holds. @throws where it does not: nothing is to be folded on it. */
const declaration = ({ data }: Recorded<DomainEvent>): { uid: string; spec: JsonObject; labels: Labels } => {
  const { uid, spec, labels } = data
  if (typeof uid !== 'string' || !isObject(spec) || !isObject(labels)) throw new TypeError('it declares no spec')
  return { uid, spec, labels: labels as Labels }
}

/** The two event types that every declared kind has. */
export const declaredEventTypes = (kind: string, prefix: string, spec: z.ZodType): readonly EventType[] => [
  eventType({
    type: `${prefix}Declared`,
    version: 1,
    categories: [kind],
    summary: `A ${kind} was created or its spec replaced: the whole spec as it is from now on`,
    schema: z.object({ uid: z.string(), spec, labels }),
  }),
  eventType({
    type: `${prefix}Deleted`,
    version: 1,
    categories: [kind],
    summary: `A ${kind} was deleted; the stream goes on if one of its name is created again`,
    schema: z.object({ uid: z.string() }),
  }),
]

/** The row of a declared resource. `present` turns the stored spec into what people may see. */
export const declaredFold =
  (kind: string, prefix: string, present: (spec: JsonObject) => JsonObject): ResourceFold =>
  (row, event) => {
    if (event.type === `${prefix}Declared`) return declare(kind, row, event, present)
    if (event.type === `${prefix}Deleted`) return undefined
    if (row === undefined) return row
    const usedBy = Array.isArray(row.status.usedBy) ? row.status.usedBy : []
    const by = event.data.by
    if (event.type === 'ReferenceTaken' && typeof by === 'string')
      return touch(row, event, { usedBy: [...usedBy.filter((each) => each !== by), by].sort() })
    if (event.type === 'ReferenceReleased') return touch(row, event, { usedBy: usedBy.filter((each) => each !== by) })
    return row
  }

const declare = (
  kind: string,
  row: ResourceRow | undefined,
  event: Recorded<DomainEvent>,
  present: (spec: JsonObject) => JsonObject,
): ResourceRow => {
  const { uid, spec, labels } = declaration(event)
  const by = `${event.actor.kind}:${event.actor.name}`
  return {
    kind,
    name: event.stream.slice(kind.length + 1),
    uid,
    revision: event.revision,
    position: event.position,
    labels,
    spec: present(spec),
    status: row?.status ?? {},
    createdAt: row?.createdAt ?? event.at,
    updatedAt: event.at,
    createdBy: row?.createdBy ?? by,
    updatedBy: by,
  }
}

/** Merges `status` into a row's and notes the event's position: what a fold of a kind's own behaviour answers. */
export const touch = (row: ResourceRow, event: Recorded<DomainEvent>, status: JsonObject): ResourceRow => ({
  ...row,
  position: event.position,
  status: { ...row.status, ...status },
})
