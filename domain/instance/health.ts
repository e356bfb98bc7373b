import type { JsonObject } from '../kernel/json.ts'

/** How a running copy does: `unknown` before it was first probed. */
export type Health = 'unknown' | 'healthy' | 'degraded' | 'unhealthy'

/** How a copy is probed and what its failures mean. */
export interface HealthPolicy {
  readonly intervalMs: number
  /** How long one probe may take. */
  readonly timeoutMs: number
  /** Failures in a row that make it unhealthy. */
  readonly failureThreshold: number
  /** Failures in a row after which it is started again; never if left out. */
  readonly restartAfter?: number
  /** Asked after the copy has proved to be alive. */
  readonly readiness?: { readonly tool: string; readonly arguments: JsonObject }
}

/** What the probes of a run have come to so far. */
export interface Findings {
  /** Failures in a row. */
  readonly failures: number
  readonly health: Exclude<Health, 'unknown'>
  /** Why it is not healthy, for people. */
  readonly reason?: string
  /** It has failed often enough to be started again. */
  readonly restart: boolean
}

/** Takes one more round of probes into account. @param failure why the round failed; undefined when it did not */
export const findings = (failuresBefore: number, failure: string | undefined, policy: HealthPolicy): Findings => {
  if (failure === undefined) return { failures: 0, health: 'healthy', restart: false }
  const failures = failuresBefore + 1
  return {
    failures,
    health: failures >= policy.failureThreshold ? 'unhealthy' : 'degraded',
    reason: failures === 1 ? failure : `${failure} (${failures} failures in a row)`,
    restart: policy.restartAfter !== undefined && failures >= policy.restartAfter,
  }
}

/** How a server does whose running copies do like this; undefined when none runs. */
export const worstOf = (copies: readonly Health[]): Health | undefined => {
  if (copies.length === 0) return undefined
  if (copies.every((each) => each === 'unhealthy')) return 'unhealthy'
  if (copies.some((each) => each === 'unhealthy' || each === 'degraded')) return 'degraded'
  return copies.includes('unknown') ? 'unknown' : 'healthy'
}
