import { z } from 'zod'
import { assertNever } from '../kernel/assert-never.ts'
import { age, ageColumn, field, nameColumn } from '../kernel/columns.ts'
import type { Recorded } from '../kernel/decider.ts'
import { touch } from '../kernel/declared.ts'
import { defineKind } from '../kernel/kind.ts'
import type { ResourceRow } from '../kernel/resource.ts'
import { type InstanceEvent, instanceEvents } from './events.ts'

/** Which spec of which server an instance is a copy of. */
export const instanceSpec = z.strictObject({ server: z.string(), serverUid: z.string(), specHash: z.string() })
export type InstanceSpec = z.output<typeof instanceSpec>

/** What an instance's row says of it beside its spec. Times are ISO 8601. */
export interface InstanceStatus {
  readonly phase: 'pending' | 'starting' | 'running' | 'error'
  /** Failed attempts since it last ran long enough. */
  readonly attemptCount: number
  /** How often it was started again after it had run. */
  readonly restarts: number
  readonly lastAttemptAt?: string
  readonly nextRetryAt?: string | null
  readonly startedAt?: string | null
  readonly error?: string | null
}

const isInstanceEvent = (event: { type: string; stream: string }): event is Recorded<InstanceEvent> =>
  event.stream.startsWith('instance-')

const fold = (row: ResourceRow | undefined, event: Recorded<InstanceEvent>): ResourceRow | undefined => {
  if (event.type === 'InstanceCreated') return created(event)
  if (row === undefined) return undefined
  const restarts = typeof row.status.restarts === 'number' ? row.status.restarts : 0
  switch (event.type) {
    case 'InstanceStarting':
      return touch(row, event, { phase: 'starting', lastAttemptAt: event.data.at, nextRetryAt: null })
    case 'InstanceStarted':
      return touch(row, event, { phase: 'running', startedAt: event.data.at, error: null, details: event.data.details })
    case 'InstanceStartFailed': {
      const { reason, attempt, nextRetryAt } = event.data
      return touch(row, event, { phase: 'error', error: reason, attemptCount: attempt, nextRetryAt, startedAt: null })
    }
    case 'InstanceExited': {
      const { reason, failures, nextRetryAt } = event.data
      const ended = { phase: 'error', error: reason, attemptCount: failures, nextRetryAt, startedAt: null }
      return touch(row, event, { ...ended, restarts: restarts + 1 })
    }
    case 'InstanceInterrupted':
      return touch(row, event, { phase: 'pending', startedAt: null, nextRetryAt: null })
    case 'InstanceRetryRequested':
      return touch(row, event, { phase: 'pending', nextRetryAt: null })
    case 'InstanceStopped':
      return undefined
    default:
      return assertNever(event)
  }
}

const created = (event: Recorded<InstanceEvent> & { type: 'InstanceCreated' }): ResourceRow => {
  const { server, serverUid, specHash, uid, at } = event.data
  const by = `${event.actor.kind}:${event.actor.name}`
  return {
    kind: 'instance',
    name: event.stream.slice('instance-'.length),
    uid,
    revision: event.revision,
    position: event.position,
    labels: {},
    spec: { server, serverUid, specHash },
    status: { phase: 'pending', attemptCount: 0, restarts: 0 },
    createdAt: at,
    updatedAt: event.at,
    createdBy: by,
    updatedBy: by,
  }
}

const title = (text: unknown): string =>
  typeof text === 'string' && text !== '' ? `${text.charAt(0).toUpperCase()}${text.slice(1)}` : ''

export const instance = defineKind({
  kind: 'instance',
  plural: 'instances',
  shortNames: ['inst'],
  summary: 'One running copy of a server; made by mcpd, never by hand',
  spec: instanceSpec,
  events: instanceEvents,
  status: (row, event) => (isInstanceEvent(event) ? fold(row, event) : row),
  columns: [
    nameColumn,
    field('SERVER', 'spec.server'),
    { header: 'STATUS', value: ({ status }) => title(status?.phase) },
    { header: 'RESTARTS', value: ({ status }) => `${status?.restarts ?? 0}` },
    ageColumn,
    {
      header: 'RETRY',
      wide: true,
      value: ({ status }, now) =>
        typeof status?.nextRetryAt === 'string' ? `in ${age(now.toISOString(), new Date(status.nextRetryAt))}` : '',
    },
    {
      header: 'REASON',
      wide: true,
      value: ({ status }) => (typeof status?.error === 'string' ? (status.error.split('\n', 1)[0] ?? '') : ''),
    },
  ],
  example: { server: 'everything', serverUid: '…', specHash: '…' },
})
