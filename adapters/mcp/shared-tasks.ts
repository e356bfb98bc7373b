import { isObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { longResultOf } from '../../domain/mcp/long-answer.ts'
import type { RpcError, RpcId } from '../../domain/mcp/rpc.ts'
import type { PendingCall } from './pending-calls.ts'
import { type OwnMessage, textOf } from './rpc.ts'
import { unknownTask } from './rpc-errors.ts'

/** Most tasks that a connection remembers, and most progress tokens of them; the oldest go first. */
const MAX_TASKS = 1024

/** Whose tasks are whose, on a connection that its server takes for one client. */
export interface SharedTasks<Session> {
  /** Sees an answer before it is delivered: remembers the task that it made, takes those of others out of a list. */
  answered(upstreamId: number, call: PendingCall<Session>, answer: OwnMessage): void
  /** Why a session may not ask this: the task is another's. */
  refusal(session: Session, message: RpcMessage): RpcError | undefined
  /** Who a task's status is news for. */
  ownerOf(taskId: JsonValue | undefined): Session | undefined
  /** Whose progress this is, after the request that made the task was answered: its token stays valid as long as the task runs. */
  progressOf(token: JsonValue | undefined): { readonly session: Session; readonly token: RpcId } | undefined
  forget(session: Session): void
  readonly size: number
}

/**
 * The server shows every task to whoever asks over this connection; here each session sees its own. The tasks of one that
 * has left are nobody's: a client that comes back after it was cut off finds them by their ids, which cannot be guessed.
 */
export const createSharedTasks = <Session>(): SharedTasks<Session> => {
  const owners = new Map<JsonValue | undefined, { readonly session: Session }>()
  const tokens = new Map<JsonValue | undefined, { readonly session: Session; readonly token: RpcId }>()
  const ownerOf = (taskId: JsonValue | undefined) => owners.get(taskId)?.session

  return {
    ownerOf,
    progressOf: (token) => tokens.get(token),
    answered(upstreamId, { session, token, method }, answer) {
      // Of the long ones, only a list can be about tasks: the others are not read.
      if (method !== 'tasks/list' && longResultOf(answer) !== undefined) return
      const { result } = answer
      if (session === undefined || !isObject(result)) return
      if (isObject(result.task)) {
        const taskId = textOf(result.task.taskId)
        if (taskId !== undefined) keep(owners, taskId, { session })
        if (token !== undefined) keep(tokens, upstreamId, { session, token })
      }
      if (method === 'tasks/list' && Array.isArray(result.tasks)) {
        const own = result.tasks.filter((task) => isObject(task) && ownerOf(task.taskId) === session)
        answer.result = { ...result, tasks: own }
      }
    },
    refusal(session, { method, params }) {
      if (method?.startsWith('tasks/') !== true) return undefined
      const owner = ownerOf(params?.taskId)
      return owner === undefined || owner === session ? undefined : unknownTask(params?.taskId)
    },
    forget(session) {
      for (const known of [owners, tokens])
        for (const [key, each] of known) if (each.session === session) known.delete(key)
    },
    get size() {
      return owners.size + tokens.size
    },
  }
}

const keep = <Value>(known: Map<JsonValue | undefined, Value>, key: JsonValue, value: Value): void => {
  known.set(key, value)
  if (known.size <= MAX_TASKS) return
  const [oldest] = known.keys()
  known.delete(oldest)
}
