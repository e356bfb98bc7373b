import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Session } from '../session/session.ts'

/** What carries one session's messages: the streams and answers of Streamable HTTP, or the one stream of HTTP+SSE. */
export interface Carrier {
  /** Whether its client is certainly there: it listens, or waits for an answer. */
  readonly isBusy: boolean
  /** Whether it waits for an answer. */
  readonly isAnswering: boolean
  /** What is due now and then: heartbeats, and the end of what nobody has come back for. `now` is `performance.now()`. */
  tick(now: number): void
  /** Ends all that is open. */
  close(): void
}

/** One session as HTTP knows it. */
export interface HttpSession<C extends Carrier = Carrier> {
  readonly id: string
  readonly project: string
  readonly session: Session
  readonly carrier: C
  readonly bearer: Buffer
  /** The caller that it counts for. */
  readonly caller: string
  /** What the client calls itself, and its version; for people. Empty before it has said so. */
  client: string
  /** `performance.now()` of the last request. */
  usedAt: number
}

/** Bounds of a `SessionStore`. */
export interface SessionStoreLimits {
  /** Most sessions at once, of all callers and of one: a bearer is a caller. */
  readonly sessions: number
  readonly sessionsOfCaller: number
  /** For how long a session must have been idle to make room for another. */
  readonly yieldMs: number
}

const callerOf = (bearer: string): string => createHash('sha256').update(bearer).digest('base64')

/** The sessions of the endpoint, by ids that cannot be guessed. */
export class SessionStore {
  readonly #limits: SessionStoreLimits
  readonly #onEnd: (ended: HttpSession, reason: string) => void
  readonly #sessions = new Map<string, HttpSession>()
  /** Places reserved for sessions that are being opened, by caller. */
  readonly #opening = new Map<string, number>()
  #allOpening = 0

  /** @param onEnd is told of each session that has ended */
  constructor(limits: SessionStoreLimits, onEnd: (ended: HttpSession, reason: string) => void) {
    this.#limits = limits
    this.#onEnd = onEnd
  }

  get size(): number {
    return this.#sessions.size
  }

  /**
   * Takes a place for a session that is about to be opened: a free one, or that of a session idle for so long that it can make
   * room. False if there is neither, among all or among the caller's own.
   */
  reserve(bearer: string): boolean {
    const { sessions, sessionsOfCaller } = this.#limits
    const caller = callerOf(bearer)
    const opening = this.#opening.get(caller) ?? 0
    const isOver =
      !hasPlace(sessions - this.size, this.#allOpening, () => this.#yielding()) ||
      !hasPlace(sessionsOfCaller - this.#openOf(caller), opening, () => this.#yielding(caller))
    if (isOver) return false
    this.#allOpening++
    this.#opening.set(caller, opening + 1)
    return true
  }

  /** Gives a reserved place back: it is taken by a session now, or not needed. */
  unreserve(bearer: string): void {
    const caller = callerOf(bearer)
    const left = (this.#opening.get(caller) ?? 1) - 1
    this.#allOpening--
    if (left === 0) this.#opening.delete(caller)
    else this.#opening.set(caller, left)
  }

  /**
   * If all places are taken, ends the session that is idle longest: clients that leave without a word must not keep others out.
   * A caller that has all of its own makes room by one of those. To be called once mcpd has let the new one in, so that nobody
   * ends sessions who may not open any. False if none can go.
   */
  makeRoom(bearer: string): boolean {
    const { sessions, sessionsOfCaller } = this.#limits
    const caller = callerOf(bearer)
    if (this.#openOf(caller) >= sessionsOfCaller) return this.#endIdlest(this.#yielding(caller))
    return this.size < sessions || this.#endIdlest(this.#yielding())
  }

  add<C extends Carrier>(project: string, bearer: string, session: Session, carrier: C): HttpSession<C> {
    const id = randomBytes(24).toString('base64url')
    const caller = callerOf(bearer)
    const usedAt = performance.now()
    const added = { id, project, session, carrier, bearer: Buffer.from(bearer), caller, client: '', usedAt }
    this.#sessions.set(id, added)
    return added
  }

  /** The session, if it is one of this project, was opened with this bearer, and is carried in this way. */
  find<C extends Carrier>(
    id: string,
    project: string,
    bearer: string,
    kind: abstract new (...args: never[]) => C,
  ): HttpSession<C> | undefined {
    const found = this.#sessions.get(id)
    if (found === undefined || found.project !== project || !isCarriedBy(found, kind)) return undefined
    const given = Buffer.from(bearer)
    if (given.length !== found.bearer.length || !timingSafeEqual(given, found.bearer)) return undefined
    found.usedAt = performance.now()
    return found
  }

  /** The entry of a session that is held. */
  of(session: Session): HttpSession | undefined {
    for (const held of this.#sessions.values()) if (held.session === session) return held
    return undefined
  }

  /** Ends a session and all its streams. Again: no effect. */
  end(ended: HttpSession, reason: string): void {
    if (!this.#sessions.delete(ended.id)) return
    ended.session.close(reason)
    ended.carrier.close()
    this.#onEnd(ended, reason)
  }

  endIdle(now: number, idleMs: number): void {
    for (const held of this.#sessions.values()) {
      if (held.carrier.isBusy) held.usedAt = now
      else if (now - held.usedAt > idleMs) this.end(held, 'it was idle for too long')
    }
  }

  all(): IterableIterator<HttpSession> {
    return this.#sessions.values()
  }

  #endIdlest([first, ...others]: readonly HttpSession[]): boolean {
    if (first === undefined) return false
    const idlest = others.reduce((best, held) => (held.usedAt < best.usedAt ? held : best), first)
    this.end(idlest, 'it was idle, and all sessions were taken')
    return true
  }

  #openOf(caller: string): number {
    let open = 0
    for (const held of this.#sessions.values()) if (held.caller === caller) open++
    return open
  }

  #yielding(caller?: string): HttpSession[] {
    const before = performance.now() - this.#limits.yieldMs
    return [...this.#sessions.values()].filter(
      (held) => !held.carrier.isBusy && held.usedAt <= before && (caller === undefined || held.caller === caller),
    )
  }
}

/** Whether one more may be opened: there is a free place for it, or somebody who can make room. */
const hasPlace = (free: number, opening: number, yielding: () => readonly unknown[]): boolean =>
  opening < free || opening < free + yielding().length

const isCarriedBy = <C extends Carrier>(
  held: HttpSession,
  kind: abstract new (...args: never[]) => C,
): held is HttpSession<C> => held.carrier instanceof kind
