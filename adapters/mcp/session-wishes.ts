import type { JsonObject } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { isLogLevel, type LogLevel } from '../../domain/mcp/log-levels.ts'
import { isWanted, mostVerbose } from './log-levels.ts'
import { textOf } from './rpc.ts'
import { createSubscriptions } from './subscriptions.ts'
import type { SessionState } from './upstream.ts'

/** What is done with a request: passed on (as it is or changed), or answered with an empty result here. */
export type Verdict = { readonly pass: RpcMessage; readonly failed?: () => void } | 'answer'

/** What the sessions of one connection want of its server together. */
export interface SessionWishes<Session> {
  /** A session came, maybe from another instance: what it had asked for there is asked for again. */
  join(session: Session): void
  /** A session has left, and is not among the sessions any more. */
  leave(session: Session): void
  subscribe(session: Session, message: RpcMessage): Verdict
  unsubscribe(session: Session, message: RpcMessage): Verdict
  setLevel(session: Session, message: RpcMessage): Verdict
  /** Whether a log message is for that session. */
  wantsLog(session: Session, message: RpcMessage): boolean
  /** The sessions that a changed resource is news for. */
  subscribers(uri: string): ReadonlySet<Session>
  /** How many resources are subscribed to; 0 when nobody is left. */
  readonly size: number
}

/**
 * What the sessions of one shared connection want of its server together: a resource stays subscribed as long as anybody
 * wants it, and the server logs at the most verbose level that anybody asked for. Each session gets what it asked for.
 * One that never asked for a level gets what the server sends by default; once another one has asked, it counts as `info`.
 *
 * @param ask sends a request of the connection's own
 */
export const createSessionWishes = <Session extends { readonly state: SessionState }>(
  sessions: ReadonlySet<Session>,
  ask: (method: string, params: JsonObject) => void,
): SessionWishes<Session> => {
  const subscriptions = createSubscriptions<Session>()
  /** What the server was last told; undefined as long as nobody has asked, or after it refused. */
  let level: LogLevel | undefined

  const wantedLevel = () => mostVerbose([...sessions].map(({ state }) => state.logLevel))

  const adjustLevel = () => {
    const wanted = wantedLevel()
    if (wanted === undefined || wanted === level) return
    level = wanted
    ask('logging/setLevel', { level })
  }

  const release = (session: Session, uri: string) => {
    if (subscriptions.remove(uri, session)) ask('resources/unsubscribe', { uri })
  }

  return {
    join(session) {
      for (const uri of session.state.subscriptions) {
        if (!subscriptions.has(uri)) ask('resources/subscribe', { uri })
        subscriptions.add(uri, session)
      }
      if (level !== undefined || session.state.logLevel !== undefined) adjustLevel()
    },

    leave(session) {
      for (const uri of session.state.subscriptions) release(session, uri)
      if (level !== undefined) adjustLevel()
    },

    subscribe(session, message) {
      const uri = textOf(message.params?.uri)
      if (uri === undefined || session.state.subscriptions.has(uri)) return { pass: message }
      // Counted from the moment it is sent, so that another session's unsubscribe does not overtake it.
      session.state.subscriptions.add(uri)
      subscriptions.add(uri, session)
      return {
        pass: message,
        failed() {
          session.state.subscriptions.delete(uri)
          release(session, uri)
        },
      }
    },

    unsubscribe(session, message) {
      const uri = textOf(message.params?.uri)
      if (uri === undefined) return { pass: message }
      session.state.subscriptions.delete(uri)
      subscriptions.remove(uri, session)
      return subscriptions.has(uri) ? 'answer' : { pass: message }
    },

    setLevel(session, message) {
      const asked = message.params?.level
      if (!isLogLevel(asked)) return { pass: message } // the server says what is wrong with it
      const before = session.state.logLevel
      session.state.logLevel = asked
      const wanted = wantedLevel() ?? asked
      if (wanted === level) return 'answer'
      level = wanted
      return {
        pass: { ...message, params: { ...message.params, level: wanted } },
        failed() {
          level = undefined
          if (before === undefined) delete session.state.logLevel
          else session.state.logLevel = before
        },
      }
    },

    wantsLog: (session, message) => level === undefined || isWanted(message.params?.level, session.state.logLevel),

    subscribers: (uri) => subscriptions.subscribers(uri),

    get size() {
      return subscriptions.size
    },
  }
}
