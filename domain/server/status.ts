import type { Health } from '../instance/health.ts'
import { worstOf } from '../instance/health.ts'
import type { Recorded } from '../kernel/decider.ts'
import type { DomainEvent } from '../kernel/event.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { Condition } from '../kernel/kind.ts'
import type { Resource } from '../kernel/resource.ts'

// A server's status: `instances` has the phase of each of its copies, `health` how those do that run, `readyReplicas` how
// many of them serve.

/** What an event of one of its instances makes of a server's list of them. */
const phaseAfter: Readonly<Record<string, string>> = {
  InstanceCreated: 'pending',
  InstanceStarting: 'starting',
  InstanceStarted: 'running',
  InstanceStartFailed: 'error',
  InstanceExited: 'error',
  InstanceEndedUnhealthy: 'error',
  InstanceInterrupted: 'pending',
  InstanceRetryRequested: 'pending',
}

/** The members of a server's status that follow from its instances, after one more event of one of them. */
export const copiesAfter = (status: JsonObject, { type, stream, data }: Recorded<DomainEvent>): JsonObject => {
  const name = stream.slice('instance-'.length)
  const { [name]: _was, ...otherPhases } = membersOf(status.instances)
  const { [name]: _did, ...otherHealth } = membersOf(status.health)
  if (type === 'InstanceHealthChanged') {
    const runs = new Map(Object.entries(membersOf(status.instances))).get(name) === 'running'
    const health = runs ? { ...otherHealth, [name]: data.health ?? 'unknown' } : otherHealth
    return counted(membersOf(status.instances), health)
  }
  const phase = phaseAfter[type]
  const instances = phase === undefined ? otherPhases : { ...otherPhases, [name]: phase }
  return counted(instances, phase === 'running' ? { ...otherHealth, [name]: 'unknown' } : otherHealth)
}

const counted = (instances: JsonObject, health: JsonObject): JsonObject => ({
  instances,
  health,
  readyReplicas:
    Object.values(instances).filter((phase) => phase === 'running').length -
    Object.values(health).filter((each) => each === 'unhealthy').length,
})

const membersOf = (value: JsonValue | undefined): JsonObject => (isObject(value) ? value : {})

export const copyNames = (status: JsonObject): readonly string[] => Object.keys(membersOf(status.instances))

/** How a server does whose copies do so; undefined when none runs. */
export const healthOf = (status: JsonObject): Health | undefined =>
  worstOf(Object.values(membersOf(status.health)) as readonly Health[])

/** A server's state in a word. */
export const statusText = (replicas: number, status: JsonObject): string => {
  const phases = Object.values(membersOf(status.instances))
  if (replicas === 0) return 'Stopped'
  if (phases.includes('error')) return 'Error'
  const health = healthOf(status)
  if (health === 'unhealthy') return 'Unhealthy'
  if (phases.filter((phase) => phase === 'running').length < replicas) return 'Starting'
  return health === 'degraded' ? 'Degraded' : 'Running'
}

const enough =
  (doing: string, count: (status: JsonObject) => number): Condition =>
  ({ spec, status = {} }: Resource) => {
    const replicas = Number(spec.replicas)
    const found = count(status)
    return found >= replicas ? undefined : `${found} of ${replicas} ${replicas === 1 ? 'copy' : 'copies'} ${doing}`
  }

const withValue = (values: JsonValue | undefined, wanted: string): number =>
  Object.values(membersOf(values)).filter((each) => each === wanted).length

export const serverConditions: Readonly<Record<string, Condition>> = {
  running: enough('running', ({ instances }) => withValue(instances, 'running')),
  ready: enough('ready', ({ readyReplicas }) => Number(readyReplicas ?? 0)),
  healthy: enough('healthy', ({ health }) => withValue(health, 'healthy')),
}
