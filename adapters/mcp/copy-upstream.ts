import type { JsonObject } from '../../domain/kernel/json.ts'
import { DedicatedSession, type DedicatedSurroundings } from './dedicated-session.ts'
import type { SharedUpstream } from './shared-upstream.ts'
import type { Attachment, SessionState, Upstream, UpstreamPeer } from './upstream.ts'

/** What clients' own sessions need. */
export type Dedicated = Omit<DedicatedSurroundings, 'upstream' | 'left'>

/**
 * An instance whose own connection can be begun anew, and whose clients may have sessions of their own. The own connection
 * shows that the server starts and what it can, and answers health probes; it also serves all clients where they share one.
 */
export class CopyUpstream implements Upstream {
  readonly #dedicated: DedicatedSurroundings | undefined
  readonly #sessions = new Set<DedicatedSession>()
  #own: SharedUpstream
  ended: string | undefined

  constructor(own: SharedUpstream, dedicated: Dedicated | undefined) {
    this.#own = own
    if (dedicated === undefined) return
    const left = (session: DedicatedSession): void => void this.#sessions.delete(session)
    this.#dedicated = { ...dedicated, upstream: this, left }
  }

  get instance(): string {
    return this.#own.instance
  }

  get server(): string {
    return this.#own.server
  }

  get initialize(): JsonObject {
    return this.#own.initialize
  }

  get sessions(): number {
    return this.#dedicated === undefined ? this.#own.sessions : this.#sessions.size
  }

  attach(peer: UpstreamPeer, state: SessionState): Attachment {
    if (this.#dedicated === undefined || state.client === undefined) return this.#attachToOwn(peer, state)
    const session = new DedicatedSession(state.client, peer, state, this.#dedicated)
    this.#sessions.add(session)
    return session
  }

  /** Another connection takes the place of the own one, which is over: who was attached to that is told, and may attach again. */
  renew(own: SharedUpstream, reason: string): void {
    const former = this.#own
    this.#own = own
    former.end(reason)
  }

  async drain(ms: number): Promise<void> {
    const late = AbortSignal.timeout(ms)
    const sessions = [...this.#sessions]
    for (const session of sessions) session.draining()
    await Promise.all([this.#own.drain(ms), ...sessions.map((session) => session.quiet(late))])
  }

  end(reason: string): void {
    if (this.ended !== undefined) return
    this.ended = reason
    this.#own.end(reason)
    for (const session of [...this.#sessions]) session.end(reason)
    this.#sessions.clear()
  }

  #attachToOwn(peer: UpstreamPeer, state: SessionState): Attachment {
    const attached = this.#own.attach(peer, state)
    return {
      upstream: this,
      send: (message) => attached.send(message),
      detach: (answer) => attached.detach(answer),
    }
  }
}
