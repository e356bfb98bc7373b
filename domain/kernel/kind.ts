import type { z } from 'zod'
import type { Recorded } from './decider.ts'
import { declaredEventTypes, declaredFold } from './declared.ts'
import type { DomainEvent } from './event.ts'
import type { EventType } from './event-type.ts'
import type { JsonObject } from './json.ts'
import type { Ref } from './name.ts'
import type { Resource, ResourceFold } from './resource.ts'

/** One column of `mcpctl get`. */
export interface Column {
  readonly header: string
  /** The cell's text; '' prints as `<none>`. `now` is for ages. */
  value(resource: Resource, now: Date): string
  /** Only with `-o wide`. */
  readonly wide?: true
}

/** Whether a resource is in some condition: undefined when it is, otherwise what it is instead. */
export type Condition = (resource: Resource) => string | undefined

/** What a kind is: everything that routes, OpenAPI, the command line, `apply` and the docs need to know of it. */
export interface KindDefinition {
  /** Singular, lower case, no dash: also the category of its streams. */
  readonly kind: string
  readonly plural: string
  readonly shortNames: readonly string[]
  /** One line: what it is. */
  readonly summary: string
  /** How users may write it (strict: an unknown field is an error); its output is what `Declared` events hold, unless `commands/prepare` says otherwise. */
  readonly spec: z.ZodType
  /** How a `Declared` event holds the spec, where that is not what users write (a secret's is encrypted). */
  readonly stored?: z.ZodType
  /** False: users read and delete it but never create it (an instance). */
  readonly declarable: boolean
  /** Names that mcpd itself depends on: they can be changed, not deleted. */
  readonly undeletable: readonly string[]
  /** Kinds its specs refer to: `apply` does those first, `delete` last. */
  readonly refersTo: readonly string[]
  /** The resources a spec refers to. They must exist, and cannot be deleted as long as it does. */
  references(spec: JsonObject): readonly Ref[]
  /** The stored spec as people may see it. */
  present(spec: JsonObject): JsonObject
  readonly columns: readonly Column[]
  /** What `mcpctl wait` can wait for, by name. */
  readonly conditions: Readonly<Record<string, Condition>>
  /** All event types of its streams, `<Kind>Declared` and `<Kind>Deleted` included. */
  readonly events: readonly EventType[]
  /** Prefix of those two: `Server`. Undefined for kinds that are not declared. */
  readonly eventPrefix?: string
  /** Names of this kind's resources, beside the one whose stream it is on, whose rows an event touches. */
  observes(event: Recorded<DomainEvent>): readonly string[]
  readonly fold: ResourceFold
  /** A small manifest that works, for help and docs. */
  readonly example: JsonObject
}

type Given = Omit<
  KindDefinition,
  | 'events'
  | 'fold'
  | 'references'
  | 'present'
  | 'observes'
  | 'refersTo'
  | 'declarable'
  | 'undeletable'
  | 'shortNames'
  | 'conditions'
> & {
  readonly conditions?: KindDefinition['conditions']
  readonly shortNames?: readonly string[]
  readonly declarable?: boolean
  readonly undeletable?: readonly string[]
  readonly refersTo?: readonly string[]
  readonly references?: KindDefinition['references']
  readonly present?: KindDefinition['present']
  readonly observes?: KindDefinition['observes']
  /** Event types of the kind's own behaviour. */
  readonly events?: readonly EventType[]
  /** What events do to the row beyond declaring and deleting it. Given the row those two have made. */
  readonly status?: ResourceFold
}

/**
 * Defines a kind. With its folder in `domain/` and its line in `domain/registry.ts` it has routes, OpenAPI, verbs, `apply` order and a read model.
 *
 * @example
 * export const team = defineKind({
 *   kind: 'team', plural: 'teams', eventPrefix: 'Team', summary: 'A group of people',
 *   spec: z.strictObject({ members: z.array(z.string()).default([]) }),
 *   columns: [nameColumn, ageColumn],
 *   example: { members: ['ada'] },
 * })
 */
export const defineKind = (given: Given): KindDefinition => {
  const present = given.present ?? ((spec) => spec)
  const own = given.events ?? []
  const declared =
    given.eventPrefix === undefined ? [] : declaredEventTypes(given.kind, given.eventPrefix, given.stored ?? given.spec)
  const base = given.eventPrefix === undefined ? undefined : declaredFold(given.kind, given.eventPrefix, present)
  const status = given.status
  return {
    shortNames: [],
    refersTo: [],
    references: () => [],
    observes: () => [],
    conditions: {},
    ...given,
    declarable: given.declarable ?? given.eventPrefix !== undefined,
    undeletable: given.undeletable ?? [],
    present,
    events: [...declared, ...own],
    fold(row, event) {
      const folded = base === undefined ? row : base(row, event)
      return status === undefined ? folded : status(folded, event)
    },
  }
}
