import type { JsonObject } from '../../domain/kernel/json.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import { specHash } from './spec-hash.ts'

/** How far a server's copies are what its spec says. */
export interface Rollout extends JsonObject {
  readonly replicas: number
  /** Copies of the present spec, made since the last restart that was asked for. */
  readonly updated: number
  /** Those of them that run. */
  readonly ready: number
  /** Copies that are still to go. */
  readonly outdated: number
  readonly done: boolean
  /** Copies of the present spec that do not run, and why. */
  readonly failing: readonly {
    readonly instance: string
    readonly reason: string
    readonly nextRetryAt: string | null
  }[]
}

export const rolloutOf = (server: ResourceRow, instances: readonly ResourceRow[]): Rollout => {
  const hash = specHash(server)
  const replicas = Number(server.spec.replicas)
  const current = instances.filter(({ spec }) => spec.serverUid === server.uid && spec.specHash === hash)
  const ready = current.filter(({ status }) => status.phase === 'running').length
  const outdated = instances.length - current.length
  return {
    replicas,
    updated: current.length,
    ready,
    outdated,
    done: ready === replicas && current.length === replicas && outdated === 0,
    failing: current.flatMap(({ name, status: { phase, error, nextRetryAt } }) =>
      phase === 'error' && typeof error === 'string'
        ? [{ instance: name, reason: error, nextRetryAt: typeof nextRetryAt === 'string' ? nextRetryAt : null }]
        : [],
    ),
  }
}
