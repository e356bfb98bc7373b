import type { RunningProgram } from '../../domain/instance/runtime.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { answeredAs } from '../../domain/mcp/call-facts.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { errorOf, isId, type RpcId, resultOf } from '../../domain/mcp/rpc.ts'
import { type ClientSession, finishedCall, type PendingCalls } from './pending-calls.ts'
import { type OwnMessage, textOf } from './rpc.ts'
import { notOffered } from './rpc-errors.ts'
import type { SessionWishes } from './session-wishes.ts'
import type { SharedTasks } from './shared-tasks.ts'
import { bytesOf, type Source } from './stdout-lines.ts'

/** The parts of a shared connection that a message of its server concerns. */
export interface ServerReaderParts<Session extends ClientSession> {
  /** Which instance of which server, for the log. */
  readonly names: object
  readonly program: Pick<RunningProgram, 'log'>
  readonly logger: Logger
  readonly sessions: ReadonlySet<Session>
  readonly calls: PendingCalls<Session>
  readonly tasks: SharedTasks<Session>
  readonly wishes: SessionWishes<Session>
  readonly isDraining: () => boolean
  readonly write: (text: string) => boolean
}

/**
 * Makes the function that brings each message of a shared server to the sessions that it is for: an answer to who asked,
 * progress to whose call it is about, news to who wants them. What the server asks is answered at once.
 */
export const createServerReader = <Session extends ClientSession>(
  parts: ServerReaderParts<Session>,
): ((message: OwnMessage, source: Source) => void) => {
  const { names, program, logger, sessions, calls, tasks, wishes, isDraining, write } = parts

  const unknownAnswer = (id: RpcId | undefined) => {
    // Late answers to cancelled calls are ordinary; an id that was never given out is the server's fault.
    if (calls.wasGiven(id)) logger.debug({ ...names, id }, 'dropped a late or repeated response')
    else program.log('mcpd', `dropped a response with the unknown id ${JSON.stringify(id)?.slice(0, 64)}`)
  }

  const answer = (message: OwnMessage, source: Source) => {
    const upstreamId = message.id
    const call = calls.take(upstreamId)
    if (call === undefined || typeof upstreamId !== 'number') {
      unknownAnswer(upstreamId)
      return
    }
    message.id = call.id
    tasks.answered(upstreamId, call, message)
    call.session?.peer.deliver(message)
    call.onSettled?.(message)
    call.session?.peer.finished(finishedCall(call, answeredAs(message), bytesOf(source), message.error?.code))
  }

  const progress = (message: OwnMessage) => {
    const token = message.params?.progressToken
    const call = calls.get(token) ?? tasks.progressOf(token)
    if (call?.session === undefined || call.token === undefined) return // answered or cancelled already
    message.params = { ...message.params, progressToken: call.token }
    call.session.peer.deliver(message)
  }

  /** Not while draining: the sessions hear the same from the instance that they have moved to. */
  const broadcast = (message: RpcMessage, to: ReadonlySet<Session>) => {
    if (!isDraining()) for (const { peer } of to) peer.deliver(message)
  }

  const notification = (message: OwnMessage) => {
    switch (message.method) {
      case 'notifications/cancelled': // its own requests were answered at once
        break
      case 'notifications/progress':
        progress(message)
        break
      case 'notifications/message':
        for (const session of sessions) if (wishes.wantsLog(session, message)) session.peer.deliver(message)
        break
      case 'notifications/resources/updated': {
        const uri = textOf(message.params?.uri)
        if (uri !== undefined) broadcast(message, wishes.subscribers(uri))
        break
      }
      case 'notifications/tasks/status':
        tasks.ownerOf(message.params?.taskId)?.peer.deliver(message)
        break
      default:
        broadcast(message, sessions)
    }
  }

  const request = ({ id }: OwnMessage, method: string) => {
    if (!isId(id)) program.log('mcpd', `dropped a request (${method.slice(0, 64)}) without a usable id`)
    else write(JSON.stringify(method === 'ping' ? resultOf(id, {}) : errorOf(id, notOffered(method))))
  }

  return (message, source) => {
    if (message.method === undefined) answer(message, source)
    else if (message.id === undefined) notification(message)
    else request(message, message.method)
  }
}
