import type { RpcId } from '../../domain/mcp/rpc.ts'
import { notKept } from '../rpc/errors.ts'
import { errorText } from '../rpc/message.ts'

/** How much is kept for clients that come back. Sizes in bytes. */
export interface EventStoreLimits {
  /** Of one session. */
  readonly keptEvents: number
  readonly keptBytes: number
  /** Of all sessions together. */
  readonly allKeptEvents: number
  readonly allKeptBytes: number
}

/** One event of a stream, as the client was sent it. */
export interface KeptEvent {
  readonly stream: string
  /** Its place in the stream, from 1. */
  readonly number: number
  readonly json: string
}

interface Kept extends KeptEvent {
  readonly bytes: number
  readonly isAwaited: boolean
}

/** The events that sessions were sent, in memory, the newest within bounds. Who holds most gives way first. */
export class EventStore {
  readonly #limits: EventStoreLimits
  readonly #sessions = new Set<SessionEvents>()
  #events = 0
  #bytes = 0

  constructor(limits: EventStoreLimits) {
    this.#limits = limits
  }

  get events(): number {
    return this.#events
  }

  get bytes(): number {
    return this.#bytes
  }

  /** What one session is sent. To be closed with it. */
  session(): SessionEvents {
    return new SessionEvents(this.#limits, this)
  }

  /** Counts what a session keeps now, more or less than before. */
  count(session: SessionEvents, events: number, bytes: number): void {
    this.#events += events
    this.#bytes += bytes
    if (session.bytes === 0) this.#sessions.delete(session)
    else this.#sessions.add(session)
  }

  /** Drops events until all sessions together are within bounds. */
  shrink(): void {
    const { allKeptEvents, allKeptBytes } = this.#limits
    while (this.#events > allKeptEvents || this.#bytes > allKeptBytes) this.#largest()?.dropOne()
  }

  #largest(): SessionEvents | undefined {
    let largest: SessionEvents | undefined
    for (const session of this.#sessions) if (largest === undefined || session.bytes > largest.bytes) largest = session
    return largest
  }
}

/** The events that one session was sent on its streams, oldest first. What somebody waits for is the last to go. */
export class SessionEvents {
  readonly #limits: EventStoreLimits
  readonly #store: EventStore
  #kept: Kept[] = []
  #bytes = 0
  #isClosed = false

  constructor(limits: EventStoreLimits, store: EventStore) {
    this.#limits = limits
    this.#store = store
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Keeps an event.
   * @param answers the request that it answers. An answer too large to be kept leaves an error in its place, unless the request's id is, too
   */
  add(stream: string, number: number, json: string, answers?: RpcId): void {
    if (answers === undefined) this.keep(stream, number, json, false)
    else if (!this.keep(stream, number, json, true)) this.keep(stream, number, errorText(notKept(), answers), true)
  }

  /**
   * Keeps an event, unless it is too large: false then.
   * @param isAwaited somebody waits for it: it goes last
   */
  keep(stream: string, number: number, json: string, isAwaited: boolean): boolean {
    const { keptEvents, keptBytes } = this.#limits
    const bytes = json.length > keptBytes ? json.length : Buffer.byteLength(json)
    if (this.#isClosed || bytes > keptBytes) return false
    this.#kept.push({ stream, number, json, bytes, isAwaited })
    this.#bytes += bytes
    this.#store.count(this, 1, bytes)
    while (this.#kept.length > keptEvents || this.#bytes > keptBytes) this.dropOne()
    this.#store.shrink()
    return true
  }

  /** What is kept of a stream after one of its events, in order. There may be gaps. */
  after(stream: string, number: number): readonly KeptEvent[] {
    return this.#kept.filter((event) => event.stream === stream && event.number > number)
  }

  /** Drops the oldest event that nobody waits for, else the oldest. */
  dropOne(): void {
    const oldest = this.#kept.findIndex(({ isAwaited }) => !isAwaited)
    const [dropped] = this.#kept.splice(Math.max(oldest, 0), 1)
    if (dropped !== undefined) this.#shrunk(1, dropped.bytes)
  }

  /** Forgets a stream that nobody will ask for any more. */
  forget(stream: string): void {
    const kept = this.#kept.filter((event) => event.stream !== stream)
    const bytes = kept.reduce((sum, event) => sum + event.bytes, 0)
    const [gone, freed] = [this.#kept.length - kept.length, this.#bytes - bytes]
    if (gone === 0) return
    this.#kept = kept
    this.#shrunk(gone, freed)
  }

  /** Forgets all, and keeps nothing from now on. */
  close(): void {
    this.#isClosed = true
    const [gone, freed] = [this.#kept.length, this.#bytes]
    this.#kept = []
    if (gone > 0) this.#shrunk(gone, freed)
  }

  #shrunk(events: number, bytes: number): void {
    this.#bytes -= bytes
    this.#store.count(this, -events, -bytes)
  }
}
