import { isObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import type { RpcId } from '../../domain/mcp/rpc.ts'
import type { PendingCall } from './pending-calls.ts'

/** Most progress tokens of running tasks that a connection remembers; the oldest go first. */
export const MAX_TASK_TOKENS = 1024

/** Whose a progress token is. */
export interface TaskTokens<Session> {
  get(token: JsonValue | undefined): { readonly session: Session; readonly token: RpcId } | undefined
  /** Remembers the token of a call if its answer made a task. */
  keep(upstreamId: number, call: PendingCall<Session>, answer: RpcMessage): void
  forget(session: Session): void
  readonly size: number
}

/**
 * Whose progress a task's notifications are, after the request that made the task was answered: its token stays valid as
 * long as the task runs.
 */
export const createTaskTokens = <Session>(): TaskTokens<Session> => {
  const tokens = new Map<JsonValue | undefined, { readonly session: Session; readonly token: RpcId }>()
  return {
    get: (token) => tokens.get(token),
    keep(upstreamId, { session, token }, answer) {
      if (session === undefined || token === undefined || !isObject(answer.result?.task)) return
      tokens.set(upstreamId, { session, token })
      if (tokens.size <= MAX_TASK_TOKENS) return
      const [oldest] = tokens.keys()
      tokens.delete(oldest)
    },
    forget(session) {
      for (const [upstreamId, each] of tokens) if (each.session === session) tokens.delete(upstreamId)
    },
    get size() {
      return tokens.size
    },
  }
}
