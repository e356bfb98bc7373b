import type { JsonObject } from '../../domain/kernel/json.ts'
import { DedicatedSession, type DedicatedSurroundings } from './dedicated-session.ts'
import type { SessionPool } from './session-pool.ts'
import type { SharedUpstream } from './shared-upstream.ts'
import type { Attachment, SessionState, Upstream, UpstreamPeer } from './upstream.ts'

/**
 * An instance whose clients have a session of their own each. One more is mcpd's: it shows that the server starts and what
 * it can, and answers health probes; who attaches without being a client is served there.
 */
export class DedicatedUpstream implements Upstream {
  readonly #own: SharedUpstream
  readonly #pool: SessionPool
  readonly #around: DedicatedSurroundings
  readonly #sessions = new Set<DedicatedSession>()
  ended: string | undefined

  constructor(
    own: SharedUpstream,
    pool: SessionPool,
    around: Omit<DedicatedSurroundings, 'upstream' | 'pool' | 'left'>,
  ) {
    this.#own = own
    this.#pool = pool
    this.#around = { ...around, pool, upstream: this, left: (session) => void this.#sessions.delete(session) }
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
    return this.#sessions.size
  }

  attach(peer: UpstreamPeer, state: SessionState): Attachment {
    if (state.client === undefined) return this.#attachToOwn(peer, state)
    const session = new DedicatedSession(state.client, peer, state, this.#around)
    this.#sessions.add(session)
    return session
  }

  #attachToOwn(peer: UpstreamPeer, state: SessionState): Attachment {
    const attached = this.#own.attach(peer, state)
    return {
      upstream: this,
      send: (message) => attached.send(message),
      detach: (answer) => attached.detach(answer),
    }
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

  /** Ends the streams of all sessions; resolves when nothing of them is left. */
  close(): Promise<void> {
    return this.#pool.close()
  }
}
