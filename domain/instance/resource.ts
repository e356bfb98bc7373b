import { z } from 'zod'
import { assertNever } from '../kernel/assert-never.ts'
import { age, ageColumn, field, nameColumn, title } from '../kernel/columns.ts'
import type { Recorded } from '../kernel/decider.ts'
import { touch } from '../kernel/declared.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import { defineKind } from '../kernel/kind.ts'
import type { Resource, ResourceRow } from '../kernel/resource.ts'
import { type InstanceEvent, instanceEvents } from './events.ts'
import { inOneLine } from './exit-reason.ts'
import type { Health } from './health.ts'

/** Which spec of which server an instance is a copy of. */
export const instanceSpec = z.strictObject({ server: z.string(), serverUid: z.string(), specHash: z.string() })
export type InstanceSpec = z.output<typeof instanceSpec>

/** What an instance's row says of it beside its spec. Times are ISO 8601. */
export interface InstanceStatus {
  readonly phase: 'pending' | 'starting' | 'running' | 'error'
  /** Failed attempts since it last ran long enough. */
  readonly attemptCount: number
  /** The last attempt failed because the program ran and ended. */
  readonly crashed?: boolean
  /** How often it was started again after it had run. */
  readonly restarts: number
  readonly lastAttemptAt?: string
  readonly nextRetryAt?: string | null
  readonly startedAt?: string | null
  readonly error?: string | null
  /** Of a copy that runs. */
  readonly health?: Health | null
  readonly healthReason?: string | null
  /** When its health changed last. */
  readonly healthSince?: string | null
  /** How the run before this one ended. */
  readonly lastEnd?: { readonly at: string; readonly reason: string; readonly code?: number; readonly signal?: string }
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
    case 'InstanceStarted': {
      const { at, details } = event.data
      const health = { health: 'unknown', healthReason: null, healthSince: null }
      return touch(row, event, { phase: 'running', startedAt: at, error: null, ...health, details })
    }
    case 'InstanceHealthChanged': {
      const { health, reason, at } = event.data
      const proved = health === 'healthy' ? { attemptCount: 0 } : {}
      return touch(row, event, { health, healthReason: reason ?? null, healthSince: at, ...proved })
    }
    case 'InstanceStartFailed': {
      const { reason, attempt, nextRetryAt, exited = false } = event.data
      const failed = { phase: 'error', error: reason, attemptCount: attempt, nextRetryAt, crashed: exited }
      return touch(row, event, { ...failed, ...NOT_RUNNING })
    }
    case 'InstanceExited': {
      const { reason, failures, nextRetryAt, code, signal, at } = event.data
      const how = { ...(code === undefined ? {} : { code }), ...(signal === undefined ? {} : { signal }) }
      return touch(row, event, ended(reason, failures, nextRetryAt, { restarts, lastEnd: { at, reason, ...how } }))
    }
    case 'InstanceEndedUnhealthy': {
      const { reason, failures, nextRetryAt, at } = event.data
      return touch(row, event, ended(reason, failures, nextRetryAt, { restarts, lastEnd: { at, reason } }))
    }
    case 'InstanceInterrupted':
      return touch(row, event, { phase: 'pending', nextRetryAt: null, ...NOT_RUNNING })
    case 'InstanceRetryRequested':
      return touch(row, event, { phase: 'pending', nextRetryAt: null })
    case 'InstanceStopped':
      return undefined
    default:
      return assertNever(event)
  }
}

const NOT_RUNNING = { startedAt: null, health: null, healthReason: null, healthSince: null } as const

/** The status of a copy whose run is over. */
const ended = (
  error: string,
  attemptCount: number,
  nextRetryAt: string,
  { restarts, lastEnd }: { readonly restarts: number; readonly lastEnd: JsonObject },
): JsonObject => ({
  phase: 'error',
  error,
  attemptCount,
  nextRetryAt,
  crashed: true,
  restarts: restarts + 1,
  lastEnd,
  ...NOT_RUNNING,
})

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

/** Attempts that failed one after the other, each by a program that ended: kubectl's word for it. */
const CRASH_LOOP = 2

const statusText = ({ status = {} }: Resource): string => {
  const { phase, crashed, attemptCount, health } = status
  if (phase === 'error' && crashed === true && Number(attemptCount) >= CRASH_LOOP) return 'CrashLoopBackOff'
  if (phase === 'running' && (health === 'unhealthy' || health === 'degraded')) return title(health)
  return title(phase)
}

const isReady = ({ status = {} }: Resource): boolean => status.phase === 'running' && status.health !== 'unhealthy'

/** `3 (5m ago)`: how often, and when last. */
const restartsText = ({ status = {} }: Resource, now: Date): string => {
  const { restarts = 0, lastEnd } = status
  const at = isObject(lastEnd) ? lastEnd.at : undefined
  return typeof at === 'string' ? `${String(restarts)} (${age(at, now)} ago)` : String(restarts)
}

/** What its runtime says of a copy that runs. */
const detailsOf = ({ status = {} }: Resource): JsonObject =>
  status.phase === 'running' && isObject(status.details) ? status.details : {}
const detail =
  (member: string) =>
  (instance: Resource): string => {
    const value = detailsOf(instance)[member]
    return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
  }

/** What runs: the package as it was installed, or the image; of other programs what they say themselves. */
const versionText = (instance: Resource): string => {
  const { package: name, version, image, serverInfo } = detailsOf(instance)
  if (typeof image === 'string') return image
  if (typeof name === 'string') return `${name}@${String(version)}`
  return isObject(serverInfo) && serverInfo.name !== ''
    ? `${String(serverInfo.name)} ${String(serverInfo.version)}`
    : ''
}

const inOneLineIfAny = (text: JsonValue | undefined): string => (typeof text === 'string' ? inOneLine(text) : '')

/** Why it is not as it should be, in a line; '' where nothing is known. */
const reasonText = ({ status = {} }: Resource): string =>
  inOneLineIfAny(status.error) || inOneLineIfAny(status.healthReason)

const notYet = (instance: Resource): string => {
  const reason = reasonText(instance)
  return `it is ${statusText(instance)}${reason === '' ? '' : `: ${reason}`}`
}

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
    { header: 'READY', value: (instance) => (isReady(instance) ? '1/1' : '0/1') },
    { header: 'STATUS', value: statusText },
    { header: 'RESTARTS', value: restartsText },
    { header: 'HEALTH', value: ({ status }) => title(status?.health) },
    ageColumn,
    { header: 'RUNTIME', wide: true, value: detail('runtime') },
    { header: 'PROCESS', wide: true, value: (instance) => detail('pid')(instance) || detail('container')(instance) },
    { header: 'VERSION', wide: true, value: versionText },
    { header: 'ENDPOINT', wide: true, value: detail('url') },
    {
      header: 'RETRY',
      wide: true,
      value: ({ status }, now) =>
        typeof status?.nextRetryAt === 'string' ? `in ${age(now.toISOString(), new Date(status.nextRetryAt))}` : '',
    },
    { header: 'REASON', wide: true, value: reasonText },
  ],
  conditions: {
    running: (instance) => (instance.status?.phase === 'running' ? undefined : notYet(instance)),
    ready: (instance) => (isReady(instance) ? undefined : notYet(instance)),
    healthy: (instance) => {
      const { phase, health, crashed, attemptCount } = instance.status ?? {}
      if (health === 'healthy') return undefined
      if (phase !== 'running' || health !== 'unknown') return notYet(instance)
      return crashed === true && Number(attemptCount) > 0
        ? 'it ended soon after an earlier start and has to run for a minute first'
        : 'its health is not known yet'
    },
  },
  example: { server: 'everything', serverUid: '…', specHash: '…' },
})
