import type { RpcMessage } from '../../domain/mcp/link.ts'
import { type LogLevel, reaches } from '../../domain/mcp/log-levels.ts'
import {
  errorOf,
  isRequest,
  isResponse,
  notification,
  type RpcNotification,
  type RpcRequest,
  resultOf,
  rpcCode,
} from '../../domain/mcp/rpc.ts'
import type { Catalog } from './catalog.ts'
import type { ClientCalls } from './client-calls.ts'
import type { ChangedList, ListChanges } from './list-changes.ts'
import type { ListKind } from './lists.ts'
import type { ServerCalls } from './server-calls.ts'
import type { SessionState } from './session-state.ts'
import type { Subscriptions } from './subscriptions.ts'

/** What a message of a server may do with the session. */
export interface ServerInbox {
  readonly calls: ServerCalls
  readonly clientCalls: ClientCalls
  readonly catalog: Catalog
  readonly state: SessionState
  readonly changes: ListChanges
  readonly subscriptions: Subscriptions
  readonly level: LogLevel | undefined
  /** To the client, on the stream of a request that this server is working on if `onCall` and there is one. */
  deliver(server: string, message: RpcMessage, onCall: boolean): boolean
  /** Back to the server. */
  toServer(server: string, message: RpcMessage): boolean
}

/** Takes one message of a server. False if it belongs to nothing that we know of, and so is dropped. */
export const takeFromServer = (inbox: ServerInbox, server: string, message: RpcMessage): boolean => {
  if (isResponse(message)) return inbox.calls.answer(server, message)
  if (isRequest(message)) return takeRequest(inbox, server, message)
  if (message.method === undefined) return false
  const handle = notifications.get(message.method) ?? passOn
  return handle(inbox, server, { ...message, method: message.method })
}

const takeRequest = (inbox: ServerInbox, server: string, request: RpcRequest): boolean => {
  if (request.method === 'ping') return inbox.toServer(server, resultOf(request.id, {}))
  if (!inbox.clientCalls.hasRoom)
    return inbox.toServer(
      server,
      errorOf(request.id, { code: rpcCode.unreachable, message: 'Too many requests to this client are under way' }),
    )
  const asked = inbox.clientCalls.open(server, request)
  if (inbox.deliver(server, asked, true)) return true
  inbox.clientCalls.refuse(asked.id, {
    code: rpcCode.unreachable,
    message: 'The client has no stream open on which it could be asked',
  })
  return false
}

type Handler = (inbox: ServerInbox, server: string, message: RpcNotification) => boolean

const passOn: Handler = (inbox, server, message) => inbox.deliver(server, message, true)

const changed =
  (list: ChangedList, ...kinds: readonly ListKind[]): Handler =>
  (inbox, server) => {
    for (const kind of kinds) inbox.state.drop(server, kind)
    inbox.changes.changed(list)
    return true
  }

const resourceUpdated: Handler = (inbox, server, message) => {
  const own = message.params?.uri
  if (typeof own !== 'string') return inbox.deliver(server, message, false)
  const uri = inbox.subscriptions.exposed(server, own) ?? inbox.catalog.exposedUri(server, own)
  return inbox.deliver(server, uri === own ? message : { ...message, params: { ...message.params, uri } }, false)
}

const cancelled: Handler = (inbox, server, message) => {
  const told = inbox.clientCalls.cancelled(server, message)
  return told !== undefined && inbox.deliver(server, told, true)
}

const notifications: ReadonlyMap<string, Handler> = new Map([
  ['notifications/progress', (inbox, server, message) => inbox.calls.progress(server, message)],
  ['notifications/cancelled', cancelled],
  [
    'notifications/message',
    // A server that several sessions share sends each of them what the most curious has asked for.
    (inbox, server, message) =>
      (inbox.level !== undefined && !reaches(message.params?.level, inbox.level)) ||
      inbox.deliver(server, message, true),
  ],
  ['notifications/resources/updated', resourceUpdated],
  ['notifications/tools/list_changed', changed('tools', 'tools')],
  ['notifications/prompts/list_changed', changed('prompts', 'prompts')],
  ['notifications/resources/list_changed', changed('resources', 'resources', 'templates')],
] satisfies [string, Handler][])

/** What the client is told when a list has changed. */
export const listChanged = (list: ChangedList): RpcNotification => notification(`notifications/${list}/list_changed`)
