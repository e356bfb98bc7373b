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
  /** `performance.now()` of the last request. */
  usedAt: number
}

/** The sessions of the endpoint, by ids that cannot be guessed. */
export class SessionStore {
  readonly #limit: number
  readonly #sessions = new Map<string, HttpSession>()
  #opening = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  get size(): number {
    return this.#sessions.size
  }

  /** Takes a place for a session that is about to be opened. False if all are taken. */
  reserve(): boolean {
    if (this.#sessions.size + this.#opening >= this.#limit) return false
    this.#opening++
    return true
  }

  /** Gives a reserved place back: it is taken by a session now, or not needed. */
  unreserve(): void {
    this.#opening--
  }

  add(project: string, bearer: string, session: Session, streams: ClientStreams): HttpSession {
    const id = randomBytes(24).toString('base64url')
    const added = { id, project, session, streams, bearer: Buffer.from(bearer), usedAt: performance.now() }
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
  }

  endIdle(now: number, idleMs: number): void {
    for (const held of this.#sessions.values()) {
      if (held.session.inFlight > 0 || held.streams.size > 0) held.usedAt = now
      else if (now - held.usedAt > idleMs) this.end(held, 'it was idle for too long')
    }
  }

  all(): IterableIterator<HttpSession> {
    return this.#sessions.values()
  }
}
