import type { CommandContext } from '../context.ts'

/** How a reactor does: for `/readyz` and `mcpctl status`. */
export interface ReactorStatus {
  readonly name: string
  /** `standby`: another mcpd does its work. */
  readonly state: 'running' | 'retrying' | 'stopped' | 'standby'
  /** Last position it has seen, as a decimal string. */
  readonly position?: string
  readonly error?: string
}

/** mcpd itself acts. `commandId` is random for what is decided from the present state, derived for what follows from one event. */
export const reactorContext = (reactor: string, commandId: string): CommandContext => ({
  actor: { kind: 'System', name: reactor },
  commandId,
  correlationId: commandId,
  causationId: commandId,
})
