import type { Position, Revision } from '../domain/kernel/event.ts'
import type { JsonObject } from '../domain/kernel/json.ts'
import type { Labels } from '../domain/kernel/name.ts'
import type { ResourceRow } from '../domain/kernel/resource.ts'

/** One declared revision of a resource. */
export interface HistoryRow {
  readonly kind: string
  readonly name: string
  readonly revision: Revision
  readonly position: Position
  /** ISO 8601 in UTC. */
  readonly at: string
  /** `<kind>:<name>` of who did it. */
  readonly actor: string
  /** `<Prefix>Declared` or `<Prefix>Deleted`. */
  readonly type: string
  readonly uid: string
  readonly labels: Labels
  /** As people may see it, after this revision; null when it deleted the resource. */
  readonly spec: JsonObject | null
}

/** Where a generation stopped, or why a rebuild failed. */
export interface ProjectionError {
  readonly code: string
  readonly message: string
  /** What people can do about it. */
  readonly hint?: string
  /** The event that cannot be handled; positions and revisions are decimal strings. */
  readonly event?: {
    readonly position: string
    readonly stream: string
    readonly revision: string
    readonly type: string
  }
}

/** The checkpoint before the first event. */
export const BEGINNING: Position = -1n

/** One filling of the tables, in the schema `rm_<number>`. */
export interface GenerationRow {
  readonly number: bigint
  /** Of the tables' versions and the kinds: another one means a rebuild. */
  readonly fingerprint: string
  /** Of the columns alone: an equal one can be read by the same queries. */
  readonly shape: string
  readonly state: 'building' | 'live' | 'failed'
  /** Position of the last event in its rows; −1 when there is none. */
  readonly checkpoint: Position
  /** Events handled so far. */
  readonly events: bigint
  /** Head of the log when it was begun; −1 for an empty log. */
  readonly target: Position
  readonly startedAt: string
  readonly error: ProjectionError | null
}

/** What Kysely knows of the database. `live.*` are views of the live generation: the one way to read. */
export interface Tables {
  'live.checkpoint': { readonly checkpoint: Position; readonly generation: bigint }
  'live.resources': ResourceRow
  'live.history': HistoryRow
  'mcpctl.generations': GenerationRow
}
