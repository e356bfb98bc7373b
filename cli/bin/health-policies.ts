import { deciderOf } from '../../commands/decider-of.ts'
import type { CommandLoop } from '../../commands/handle.ts'
import type { HealthPolicy } from '../../domain/instance/health.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { healthPolicy } from '../../domain/server/health-check.ts'

/** How a server wants its copies to be probed, from the log itself: no row has to be there for that. */
export const healthPolicies = (loop: CommandLoop, registry: Registry): ((server: string) => Promise<HealthPolicy>) => {
  const kind = registry.find('server')
  if (kind === undefined) throw new Error('the kind server is not registered')
  return async (server) => {
    const { state } = await loop.load(deciderOf(kind), `server-${server}`)
    return healthPolicy(state.spec)
  }
}
