import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { healthPolicy } from '../../domain/server/health-check.ts'
import { DEFAULT_SESSIONS, isDedicated, type ServerSpec } from '../../domain/server/resource.ts'

/** What holds for the copies of a server, what its spec leaves to defaults included. */
export const settings = (spec: JsonObject): Readonly<Record<string, string>> => ({
  Limits: limitsText(spec),
  Sessions: sessionsText(spec),
  Probes: probesText(spec),
})

const limitsText = ({ resources }: JsonObject): string => {
  const limits = isObject(resources) && isObject(resources.limits) ? Object.entries(resources.limits) : []
  return limits.length === 0 ? 'none' : limits.map(([name, value]) => `${name} ${String(value)}`).join(', ')
}

const sessionsText = (spec: JsonObject): string => {
  if (!isDedicated(spec as unknown as ServerSpec)) return 'shared: one connection serves all clients'
  const { maxSessions, minIdle, idleTimeoutSeconds } = { ...DEFAULT_SESSIONS, ...spec }
  return `dedicated: at most ${maxSessions} a copy, ${minIdle} kept ready, ended after ${idleTimeoutSeconds} s without a message`
}

const probesText = (spec: JsonObject): string => {
  const { intervalMs, timeoutMs, failureThreshold, restartAfter, readiness } = healthPolicy(spec)
  const what = `tools/list${readiness === undefined ? '' : ` and the tool ${readiness.tool}`}`
  const restart = restartAfter === undefined ? '' : `, restarted after ${restartAfter}`
  return `${what} every ${intervalMs / 1000} s, ${timeoutMs / 1000} s for an answer; unhealthy after ${failureThreshold} failures${restart}`
}
