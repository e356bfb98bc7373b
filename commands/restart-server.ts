import type { Clock } from '../domain/kernel/clock.ts'
import { restartDecider } from '../domain/server/restart.ts'
import type { CommandContext } from './context.ts'
import type { CommandLoop } from './handle.ts'
import type { Mutation } from './resources.ts'

/** Has every copy of a server replaced by a new one; the reconciler does it. @throws NotFound */
export const restartServer = async (
  deps: { readonly loop: CommandLoop; readonly clock: Clock },
  name: string,
  context: CommandContext,
): Promise<Mutation> => {
  const command = { type: 'RequestRestart', name, at: deps.clock.now().toISOString() } as const
  const { events, position } = await deps.loop.handle(restartDecider, `server-${name}`, command, context)
  return { outcome: events.length === 0 ? 'unchanged' : 'configured', events, position }
}
