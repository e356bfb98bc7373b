import type { Recorded } from './decider.ts'
import type { DomainEvent, Position, Revision } from './event.ts'
import type { JsonObject } from './json.ts'
import type { Labels } from './name.ts'

/** A resource as the read model keeps it: one row of `resources`. */
export interface ResourceRow {
  readonly kind: string
  readonly name: string
  readonly uid: string
  /** Revision of the last change of the spec: what `ETag` and `If-Match` mean. */
  readonly revision: Revision
  /** Position of the last event that changed this row. */
  readonly position: Position
  readonly labels: Labels
  /** The spec as people see it: what is secret in it is already gone. */
  readonly spec: JsonObject
  readonly status: JsonObject
  readonly createdAt: string
  readonly updatedAt: string
  readonly createdBy: string
  readonly updatedBy: string
}

/** A pure fold of events into one resource's row; undefined is no row. */
export type ResourceFold = (
  row: ResourceRow | undefined,
  event: Recorded<DomainEvent<string, JsonObject>>,
) => ResourceRow | undefined

/** A resource as users see it in answers and manifests. */
export interface Resource {
  readonly apiVersion: 'mcpctl/v1'
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly labels?: Labels
    readonly uid?: string
    readonly revision?: string
    readonly position?: string
    readonly createdAt?: string
    readonly updatedAt?: string
    readonly createdBy?: string
    readonly updatedBy?: string
  }
  readonly spec: JsonObject
  readonly status?: JsonObject
}

/** The one place where a row becomes what users see. */
export const toResource = (row: ResourceRow): Resource => ({
  apiVersion: 'mcpctl/v1',
  kind: row.kind,
  metadata: {
    name: row.name,
    labels: row.labels,
    uid: row.uid,
    revision: String(row.revision),
    position: String(row.position),
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    createdBy: row.createdBy,
    updatedBy: row.updatedBy,
  },
  spec: row.spec,
  status: row.status,
})
