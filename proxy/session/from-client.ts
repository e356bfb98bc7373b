import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { RpcId } from '../../domain/mcp/rpc.ts'
import type { ClientCalls } from './client-calls.ts'
import type { ProjectView } from './project-view.ts'

/** What a notification of the client may do with the session. */
export interface ClientInbox {
  readonly clientCalls: ClientCalls
  readonly view: ProjectView
  toServer(server: string, message: RpcMessage): boolean
  /** Ends a request of the client that it no longer waits for. False if there is none with that id. */
  cancel(id: RpcId, cancelled: RpcMessage): boolean
}

/** Takes one notification of the client. False if it belongs to nothing that we know of, and so is dropped. */
export const takeNotification = (inbox: ClientInbox, message: RpcMessage): boolean => {
  const { alone, project } = inbox.view
  switch (message.method) {
    case 'notifications/initialized':
      return true // mcpd has told the servers when it initialized them
    case 'notifications/cancelled': {
      const id = message.params?.requestId
      return (typeof id === 'string' || typeof id === 'number') && inbox.cancel(id, message)
    }
    case 'notifications/progress':
      return inbox.clientCalls.progress(message)
    case 'notifications/roots/list_changed':
      for (const { name, state } of project.servers) if (state === 'ready') inbox.toServer(name, message)
      return true
    default:
      return alone !== undefined && inbox.toServer(alone.name, message)
  }
}
