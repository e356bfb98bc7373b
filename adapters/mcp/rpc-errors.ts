import { type RpcError, rpcCode } from '../../domain/mcp/rpc.ts'

/** The call was under way when the server ended: whether it ran is not known, so it is not repeated. */
export const serverEnded = (server: string, reason: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} ended while the call was under way: ${reason}`,
  data: {
    code: 'server-ended',
    server,
    reason,
    hint: 'The call may have run. It is not repeated automatically.',
  },
})

export const serverUnavailable = (server: string, reason: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} is unavailable: ${reason}`,
  data: { code: 'server-unavailable', server, reason, hint: 'The call did not run.' },
})

export const notReading = (server: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} does not read what is sent to it`,
  data: {
    code: 'server-not-reading',
    server,
    reason: 'too much waits on its stdin already',
    hint: 'The call did not run.',
  },
})

export const tooManyCalls = (limit: number, of: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `More than ${limit} requests of ${of} are under way`,
  data: { code: 'too-many-requests', hint: 'Wait for answers before sending more.' },
})

export const tooManySessions = (server: string, limit: number): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} has no session left: all ${limit} are taken`,
  data: {
    code: 'too-many-sessions',
    server,
    hint: 'The call did not run. Try again when others have gone, or raise maxSessions or replicas of the server.',
  },
})

export const tooManySubscriptions = (limit: number): RpcError => ({
  code: rpcCode.unreachable,
  message: `A session may subscribe to ${limit} resources of a server at most`,
  data: { code: 'too-many-subscriptions', hint: 'Unsubscribe from others first.' },
})

export const notAttached = (server: string, project: string): RpcError => ({
  code: rpcCode.invalidParams,
  message: `Server ${server.slice(0, 128)} is not attached to project ${project}`,
  data: { code: 'server-not-attached', project },
})

/** A tool that the project's rules leave out is nothing that a client could know of: it has the words of one that does not exist. */
export const toolNotOffered = (tool: unknown): RpcError => ({
  code: rpcCode.invalidParams,
  message: `Unknown tool: ${typeof tool === 'string' ? tool.slice(0, 128) : 'its name is no text'}`,
  data: { code: 'unknown-tool' },
})

/** Another's task has the words of one that does not exist. */
export const unknownTask = (taskId: unknown): RpcError => ({
  code: rpcCode.invalidParams,
  message: `Unknown task: ${String(taskId).slice(0, 128)}`,
  data: { code: 'unknown-task' },
})

export const unsendable = (why: string): RpcError => ({
  code: rpcCode.invalidRequest,
  message: `The message cannot be passed on: ${why}`,
  data: { code: 'unsendable-message' },
})

/** To a shared server that asks for what only a client of its own could give. */
export const notOffered = (method: string): RpcError => ({
  code: rpcCode.methodNotFound,
  message: `Method not found: ${method.slice(0, 128)} (this connection serves several clients and offers no sampling, elicitation or roots)`,
})

export const serverDetached = (server: string, project: string): RpcError => ({
  code: rpcCode.unreachable,
  message: `Server ${server} was detached from project ${project} while the call was under way`,
  data: { code: 'server-detached', server, project },
})
