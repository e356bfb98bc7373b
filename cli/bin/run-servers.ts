import type { Duty } from '../../commands/lease.ts'
import type { ReactorStatus } from '../../commands/reactors/reactor.ts'
import type { Reconciler } from '../../commands/reactors/reconciler.ts'
import type { InstanceHost } from '../../domain/instance/host.ts'

/** Running servers for everybody: what one mcpd does at a time. */
export interface RunServers extends Duty {
  status(): ReactorStatus
  /** Aborts when the duty ends. */
  signal(): AbortSignal
  /** Lets calls under way end, a few seconds long, and ends every instance; nothing is started any more. Before `end`, while links are open. */
  drain(): Promise<void>
}

export const runServers = (deps: {
  readonly host: InstanceHost
  readonly reconcile: () => Promise<Reconciler>
}): RunServers => {
  let reconciler: Reconciler | undefined
  let ended = new AbortController()
  const drain = async (): Promise<void> => {
    await Promise.all([reconciler?.close(), deps.host.stopAll()])
  }
  return {
    async begin() {
      ended = new AbortController()
      reconciler = await deps.reconcile()
    },
    drain,
    async end() {
      ended.abort()
      await drain()
      reconciler = undefined
    },
    status: () => reconciler?.status() ?? { name: 'reconciler', state: 'standby' },
    signal: () => ended.signal,
  }
}
