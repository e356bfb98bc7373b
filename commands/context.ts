import type { Actor } from '../domain/kernel/event.ts'

/** Who asks, and how the request is known again when it is repeated. Becomes the events' metadata. */
export interface CommandContext {
  readonly actor: Actor
  /** UUID; derived from principal and `Idempotency-Key` when the request has one, else random. */
  readonly commandId: string
  readonly correlationId: string
  readonly causationId: string
  /** SHA-256 (hex) of the request; set when it has an `Idempotency-Key`, so that the key with another request is refused. */
  readonly requestHash?: string
  readonly traceparent?: string
  /** The command id was made for this request, so it cannot stand in the log yet. Left out where it may be a repeat. */
  readonly isNew?: boolean
  /** Decide and answer what would happen; append nothing. */
  readonly dryRun?: boolean
}

/** The context of a command that follows from another: same request, its own events. */
export const within = (context: CommandContext, commandId: string): CommandContext => {
  const { requestHash: _own, ...rest } = context
  return { ...rest, commandId, causationId: context.commandId }
}
