import { z } from 'zod'
import type { Position } from '../domain/kernel/event.ts'
import type { ResourceRow } from '../domain/kernel/resource.ts'

/** What a commit changed: a kind, and its resources by name, or undefined when any of them may have changed. */
export interface KindChange {
  readonly kind: string
  readonly names?: readonly string[] | undefined
}

export interface Commit {
  /** The checkpoint that was committed with the rows. */
  readonly position: Position
  readonly changes: readonly KindChange[]
  /** All resources it changed, as they are after it. Left out where they are many, or the rows have other writers. */
  readonly rows?: readonly ChangedRow[]
}

/** A resource's row after a commit; undefined: there is none any more. */
export interface ChangedRow {
  readonly kind: string
  readonly name: string
  readonly row: ResourceRow | undefined
}

/** Longest NOTIFY payload, in bytes; Postgres takes 8000. */
const MAX_PAYLOAD = 7500

/** A commit as other programs are notified of it: names are left out where there are too many for one notification. */
export const encodeCommit = ({ position, changes }: Commit): string => {
  const whole = JSON.stringify({ position: String(position), changes })
  if (Buffer.byteLength(whole) <= MAX_PAYLOAD) return whole
  return JSON.stringify({ position: String(position), changes: changes.map(({ kind }) => ({ kind })) })
}

const notified = z.object({
  position: z
    .string()
    .regex(/^-?\d{1,19}$/)
    .transform(BigInt),
  changes: z.array(z.object({ kind: z.string(), names: z.array(z.string()).optional() })),
})

/** The commit, or undefined: whoever may use the database may notify anything. */
export const decodeCommit = (payload: string): Commit | undefined => {
  try {
    return notified.parse(JSON.parse(payload))
  } catch {
    return undefined // the caller says so
  }
}
