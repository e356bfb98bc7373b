import type { Logger } from '../../domain/kernel/logger.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { serverUnavailable } from '../rpc/errors.ts'
import type { ClientCalls } from './client-calls.ts'
import type { ListChanges } from './list-changes.ts'
import { allKinds, changedServers, type ProjectView } from './project-view.ts'
import { type Restoring, restore } from './restore.ts'
import type { SessionState } from './session-state.ts'

/** What a change of the project may do with the session, whose view is that of the project as it is now. */
export interface Changing extends Restoring {
  readonly state: SessionState
  readonly clientCalls: ClientCalls
  readonly changes: ListChanges
  readonly isInitialized: boolean
  readonly listMs: number
  tell(message: RpcMessage): void
  /** Says that a server is not there, if the client wants to hear such. */
  warn(server: string, reason: string): void
}

/**
 * Ends what servers no longer do that are away, forgets what is no longer known, and tells the client what to list again.
 * @param reopened whether the project comes over a new link: then nothing is as it was
 */
export const projectChanged = (session: Changing, before: ProjectView, reopened: boolean, logger: Logger): void => {
  const { view, state, isInitialized } = session
  const servers = view.project.servers.map(({ name }) => name)
  const changed = reopened ? servers : changedServers(before.project, view.project)
  state.keepOnly(servers)
  for (const { name, state: was } of before.project.servers) {
    const server = view.server(name)
    if (server?.state === 'ready') continue
    session.calls.fail(serverUnavailable(name, server?.reason), name)
    for (const told of session.clientCalls.drop('the server is unavailable', name)) session.tell(told)
    if (was === 'ready' && server !== undefined) session.warn(name, server.reason ?? 'it is not running')
  }
  for (const server of changed) {
    state.forgetBreaker(server)
    for (const kind of allKinds) state.drop(server, kind)
  }
  if (!isInitialized) return
  restore(session, changed, session.listMs, logger)
  // Not for what no list shows: the reason why a server does not run changes several times while it is started again.
  if (changed.length > 0 || view.namingSignature !== before.namingSignature)
    session.changes.changed('tools', 'prompts', 'resources')
}
