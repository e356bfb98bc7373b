import type { InstanceSpec, InstanceStatus } from '../../domain/instance/resource.ts'
import type { JsonValue } from '../../domain/kernel/json.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import type { ServerSpec } from '../../domain/server/resource.ts'

/**
 * What has to be done so that a server's instances are what its spec says. Pure; names of new ones are chosen by the
 * caller.
 */
export interface InstancePlan {
  /** How many to create. */
  readonly create: number
  readonly stop: readonly { readonly instance: string; readonly reason: string }[]
  /** Wanted ones that should be started now, or at `at` (ISO 8601) if they failed before. */
  readonly start: readonly { readonly instance: string; readonly at?: string; readonly interrupted: boolean }[]
}

/** The facts a plan is made from. */
export interface InstanceFacts {
  /** Undefined when the server is deleted. */
  readonly server: ResourceRow | undefined
  readonly specHash: string
  readonly instances: readonly ResourceRow[]
  /** Whether the host runs it or is starting it now. */
  readonly alive: (instance: string) => boolean
}

const specOf = (row: ResourceRow): InstanceSpec => row.spec as unknown as InstanceSpec
const statusOf = (row: ResourceRow): InstanceStatus => row.status as unknown as InstanceStatus & JsonValue

export const planInstances = ({ server, specHash, instances, alive }: InstanceFacts): InstancePlan => {
  const wanted = server === undefined ? 0 : (server.spec as unknown as ServerSpec).replicas
  const oneAtATime = server !== undefined && holdsPort(server.spec as unknown as ServerSpec)
  const current = instances
    .filter((row) => specOf(row).serverUid === server?.uid && specOf(row).specHash === specHash)
    .sort(mostWorthKeepingFirst)
  const kept = current.slice(0, wanted)
  const surplus = current.slice(wanted)
  const serves = (row: ResourceRow): boolean => statusOf(row).phase === 'running' && alive(row.name)
  const outdated = instances.filter((row) => !current.includes(row))
  const outdatedServing = outdated.filter(serves)

  // New before old: an outdated copy that serves goes when a new one has taken its place, or when none is wanted in its
  // place. Where a tool tells whether a copy can do its work, a new one has to prove that first. One that does not serve
  // goes at once: it would only be started with the old spec; and so does one that holds a port of this machine, which
  // the new one needs.
  const proves = (server?.spec as unknown as ServerSpec | undefined)?.healthCheck?.tool !== undefined
  const serving = kept.filter((row) => serves(row) && (!proves || statusOf(row).health === 'healthy')).length
  const replaced = oneAtATime ? outdatedServing.length : Math.max(0, outdatedServing.length - (wanted - serving))
  const leaving = [...outdated.filter((row) => !serves(row)), ...outdatedServing.slice(0, replaced)]
  const fewer = 'fewer replicas are wanted'
  const why = server === undefined ? 'its server was deleted' : wanted === 0 ? fewer : REPLACED
  const stop = [
    ...surplus.map((row) => ({ instance: row.name, reason: fewer })),
    ...leaving.map((row) => ({ instance: row.name, reason: why })),
  ]
  const start = kept
    .filter((row) => !alive(row.name))
    .map((row) => {
      const { phase, nextRetryAt } = statusOf(row)
      const interrupted = phase === 'running' || phase === 'starting'
      const at = phase === 'error' && typeof nextRetryAt === 'string' ? { at: nextRetryAt } : {}
      return { instance: row.name, interrupted, ...at }
    })
  return { create: Math.max(0, wanted - kept.length), stop, start }
}

const REPLACED = 'its server has a new spec, or was restarted'

/** Whether a copy listens on a port of this machine itself: a container's is its own. */
const holdsPort = ({ containerPort, dockerImage }: ServerSpec): boolean =>
  containerPort !== undefined && dockerImage === undefined

const RANK: Readonly<Record<string, number>> = { running: 0, starting: 1, pending: 2, error: 3 }
const RANK_UNHEALTHY = 0.5

const rankOf = (row: ResourceRow): number => {
  const { phase, health } = statusOf(row)
  return health === 'unhealthy' ? RANK_UNHEALTHY : (RANK[phase] ?? 4)
}

const mostWorthKeepingFirst = (a: ResourceRow, b: ResourceRow): number =>
  rankOf(a) - rankOf(b) || (a.createdAt < b.createdAt ? -1 : 1)
