import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer } from '../../domain/mcp/link.ts'
import type { RpcRequest } from '../../domain/mcp/rpc.ts'
import { Inspector } from '../inspector/inspector.ts'
import { defaultInspectorLimits, type InspectorLimits } from '../inspector/limits.ts'
import type { CallRecord, ClientStream } from '../session/client-request.ts'
import { clientOf } from '../session/initialize.ts'
import type { SessionLimits } from '../session/limits.ts'
import type { ListTtl } from '../session/lists.ts'
import { ProjectStates } from '../session/project-states.ts'
import { Session } from '../session/session.ts'
import type { EndpointLimits } from './limits.ts'
import { type Refusal, refusalOf, stopping, tooManySessions } from './refusal.ts'
import { type Carrier, type HttpSession, SessionStore } from './session-store.ts'

export interface SessionsOptions {
  readonly dialer: LinkDialer
  readonly logger: Logger
  /** Our own version, for `serverInfo`. */
  readonly version: string
  readonly limits: EndpointLimits
  readonly sessionLimits: SessionLimits
  readonly listTtl: ListTtl
  readonly inspectorLimits?: Partial<InspectorLimits>
  readonly onCall: (record: CallRecord) => void
}

/** The sessions of the endpoint, whatever carries them: opened within bounds, watched, ended. */
export class Sessions {
  readonly store: SessionStore
  readonly inspector: Inspector
  readonly #options: SessionsOptions
  readonly #projects: ProjectStates
  #isClosed = false

  constructor(options: SessionsOptions) {
    this.#options = options
    this.store = new SessionStore(options.limits, (held, reason) => this.inspector.left(held, reason))
    this.inspector = new Inspector({
      ...options,
      endpointLimits: options.limits,
      limits: { ...defaultInspectorLimits, ...options.inspectorLimits },
      sessions: () => this.store.all(),
    })
    this.#projects = new ProjectStates(options.listTtl)
  }

  /** Opens a session with mcpd. It is nobody's until it is kept or closed. */
  async open(project: string, bearer: string, client: ClientStream): Promise<Session | Refusal> {
    if (!this.store.reserve(bearer)) return tooManySessions
    const { dialer, logger, version, sessionLimits, onCall } = this.#options
    const session: Session = new Session({
      dialer,
      project,
      bearer,
      client,
      projects: this.#projects,
      limits: sessionLimits,
      logger,
      version,
      onCall,
      onEnded: (reason) => {
        const held = this.store.of(session)
        if (held !== undefined) this.store.end(held, reason)
      },
    })
    try {
      await session.open()
      if (!this.#isClosed) return session
      session.close('mcplocal is stopping')
      return stopping
    } catch (error) {
      const refused = refusalOf(error)
      if (refused.status >= 500) logger.warn({ err: error, project }, 'session not opened')
      return refused
    } finally {
      this.store.unreserve(bearer)
    }
  }

  /** Keeps a session under an id. In the turn in which it was opened: its place is free now. Closed if there is none after all. */
  keep<C extends Carrier>(project: string, bearer: string, session: Session, carrier: C): HttpSession<C> | Refusal {
    if (this.store.makeRoom(bearer)) return this.store.add(project, bearer, session, carrier)
    session.close('all sessions are taken')
    carrier.close()
    return tooManySessions
  }

  /** The client says what it is: before its `initialize` is taken. */
  introduce(held: HttpSession, initialize: RpcRequest): void {
    held.client = clientName(initialize)
    this.inspector.entered(held)
  }

  /** Whether a client waits for an answer. */
  get isAnswering(): boolean {
    for (const { carrier } of this.store.all()) if (carrier.isAnswering) return true
    return false
  }

  /** What is due now and then: heartbeats, and the end of what nobody uses. */
  tick(now: number): void {
    for (const { carrier } of this.store.all()) carrier.tick(now)
    this.inspector.tick(now)
    this.store.endIdle(now, this.#options.limits.idleMs)
  }

  /** Ends all sessions, those that are being opened included. */
  close(reason: string): void {
    this.#isClosed = true
    for (const held of [...this.store.all()]) this.store.end(held, reason)
    this.inspector.close(reason)
  }
}

const MAX_CLIENT_NAME = 64

/** What a client says in `initialize` that it is: `name version`. */
const clientName = ({ params }: RpcRequest): string => {
  const { name, version } = clientOf(params).clientInfo
  return [name, version]
    .filter((word) => typeof word === 'string')
    .join(' ')
    .slice(0, MAX_CLIENT_NAME)
}
