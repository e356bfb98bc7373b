import type { Duty } from '../../commands/lease.ts'
import type { HealthReactor } from '../../commands/reactors/health.ts'
import type { ReactorStatus } from '../../commands/reactors/reactor.ts'
import type { Reconciler, ReconcilerDeps } from '../../commands/reactors/reconciler.ts'
import type { InstanceHost } from '../../domain/instance/host.ts'

/** Running servers for everybody: what one mcpd does at a time. */
export interface RunServers extends Duty {
  status(): readonly ReactorStatus[]
  /** Aborts when the duty ends. */
  signal(): AbortSignal
  /** Lets calls under way end, a few seconds long, and ends every instance; nothing is started any more. Before `end`, while links are open. */
  drain(): Promise<void>
}

export const runServers = (deps: {
  readonly host: InstanceHost
  readonly reconcile: (onEvent: ReconcilerDeps['onEvent']) => Promise<Reconciler>
  readonly probe: (restart: Reconciler['restart']) => HealthReactor
}): RunServers => {
  let reconciler: Reconciler | undefined
  let health: HealthReactor | undefined
  let ended = new AbortController()
  const drain = async (): Promise<void> => {
    await Promise.all([health?.close(), reconciler?.close(), deps.host.stopAll()])
  }
  return {
    async begin() {
      ended = new AbortController()
      const probing = deps.probe(async (...run) => reconciler?.restart(...run))
      health = probing
      reconciler = await deps.reconcile((event) => probing.seen(event))
    },
    drain,
    async end() {
      ended.abort()
      await drain()
      health = undefined
      reconciler = undefined
    },
    status: () => [
      reconciler?.status() ?? { name: 'reconciler', state: 'standby' },
      health?.status() ?? { name: 'health', state: 'standby' },
    ],
    signal: () => ended.signal,
  }
}
