import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Session } from '../session/session.ts'
import type { ClientStreams } from './client-streams.ts'

/** One session as HTTP knows it. */
export interface HttpSession {
  readonly id: string
  readonly project: string
  readonly session: Session
  readonly streams: ClientStreams
  readonly bearer: Buffer
  /** What the client calls itself, and its version; for people. */
  readonly client: string
  /** `performance.now()` of the last request. */
  usedAt: number
}

/** The sessions of the endpoint, by ids that cannot be guessed. */
export class SessionStore {
  readonly #limit: number
  readonly #yieldMs: number
  readonly #onEnd: (ended: HttpSession, reason: string) => void
  readonly #sessions = new Map<string, HttpSession>()
  #opening = 0

  /** @param limits most sessions at once, and for how long one must have been idle to make room for another */
  constructor(
    { sessions, yieldMs }: { readonly sessions: number; readonly yieldMs: number },
    onEnd: (ended: HttpSession, reason: string) => void = () => {},
  ) {
    this.#limit = sessions
    this.#yieldMs = yieldMs
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Takes a place for a session that is about to be opened: a free one, or that of a session idle for so long that it can make
   * room. False if there is neither.
   */
  reserve(): boolean {
    const free = this.#limit - this.#sessions.size
    if (this.#opening >= free && this.#opening >= free + this.#yielding().length) return false
    this.#opening++
    return true
  }

  /** Gives a reserved place back: it is taken by a session now, or not needed. */
  unreserve(): void {
    this.#opening--
  }

  /**
   * If all places are taken, ends the session that is idle longest: clients that leave without a word must not keep others out.
   * To be called once mcpd has let the new one in, so that nobody ends sessions who may not open any. False if none can go.
   */
  makeRoom(): boolean {
    if (this.#sessions.size < this.#limit) return true
    const [first, ...others] = this.#yielding()
    if (first === undefined) return false
    const idlest = others.reduce((best, held) => (held.usedAt < best.usedAt ? held : best), first)
    this.end(idlest, 'it was idle, and all sessions were taken')
    return true
  }

  add(project: string, bearer: string, session: Session, streams: ClientStreams, client: string): HttpSession {
    const id = randomBytes(24).toString('base64url')
    const added = { id, project, session, streams, client, bearer: Buffer.from(bearer), usedAt: performance.now() }
    this.#sessions.set(id, added)
    return added
  }

  /** The session, if it is one of this project and was opened with this bearer. */
  find(id: string, project: string, bearer: string): HttpSession | undefined {
    const found = this.#sessions.get(id)
    if (found === undefined || found.project !== project) return undefined
    const given = Buffer.from(bearer)
    if (given.length !== found.bearer.length || !timingSafeEqual(given, found.bearer)) return undefined
    found.usedAt = performance.now()
    return found
  }

  /** Ends a session and all its streams. Again: no effect. */
  end(ended: HttpSession, reason: string): void {
    if (!this.#sessions.delete(ended.id)) return
    ended.session.close(reason)
    ended.streams.close()
    this.#onEnd(ended, reason)
  }

  endIdle(now: number, idleMs: number): void {
    for (const held of this.#sessions.values()) {
      if (isBusy(held)) held.usedAt = now
      else if (now - held.usedAt > idleMs) this.end(held, 'it was idle for too long')
    }
  }

  all(): IterableIterator<HttpSession> {
    return this.#sessions.values()
  }

  #yielding(): HttpSession[] {
    const before = performance.now() - this.#yieldMs
    return [...this.#sessions.values()].filter((held) => !isBusy(held) && held.usedAt <= before)
  }
}

/** Whether its client is certainly there: it listens, or waits for an answer. */
const isBusy = ({ session, streams }: HttpSession): boolean => session.inFlight > 0 || streams.size > 0
