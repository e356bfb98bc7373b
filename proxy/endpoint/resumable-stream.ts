import type { RpcId } from '../../domain/mcp/rpc.ts'
import type { KeptEvent, SessionEvents } from './event-store.ts'
import type { EndpointLimits } from './limits.ts'
import type { EventStream } from './sse.ts'

/** What a client names to go on: a stream, and the number of the last event that it has had of it. */
export interface EventId {
  readonly stream: string
  readonly number: number
}

/** Reads `Last-Event-ID`. Undefined if it is none of ours. */
export const parseEventId = (text: string): EventId | undefined => {
  const [, stream, number] = /^([gp]\d{1,9})-(\d{1,9})$/.exec(text) ?? []
  return stream === undefined ? undefined : { stream, number: Number(number) }
}

export interface ResumableStreamOptions {
  /** `g<n>` for one that a GET began, `p<n>` for the answer to a POST. */
  readonly name: string
  readonly events: SessionEvents
  readonly limits: EndpointLimits
  /** Whether its client knows of events that have an id and no data: revision 2025-11-25 and later. */
  readonly primes: boolean
  /** How long one connection may carry it; a client that is primed is sent away then, to come back. */
  readonly connectionMs: number
}

/**
 * A stream as its client sees it: numbered events, carried by one connection after the other. What was sent is kept, so that a client whose
 * connection broke can go on after the last event that it has had.
 */
export class ResumableStream {
  readonly #options: ResumableStreamOptions
  #connection: EventStream | undefined
  #last = 0
  /** Whether the client was sent an id: without one it cannot come back. */
  #isKnown = false
  #isEnded = false
  /** When its client was there last, as far as was looked. */
  #seenAt = performance.now()

  constructor(options: ResumableStreamOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.name
  }

  get isConnected(): boolean {
    return this.#connection?.isOpen === true
  }

  /** Whether all was sent that will be. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Begins over the connection that asked for it. `primed`: so that the client can come back before there is a first message. */
  begin(connection: EventStream, primed: boolean): void {
    this.#carryOn(connection)
    if (primed) this.#prime(0)
  }

  /** Whether something is there, or may come, after this event. */
  canResume(number: number): boolean {
    return number <= this.#last && !(this.#isEnded && this.#after(number).length === 0)
  }

  /** Goes on over a new connection, after the last event that the client has had. */
  resume(connection: EventStream, number: number): void {
    const before = this.#connection
    this.#carryOn(connection)
    before?.end()
    this.#prime(number)
    const missed = this.#after(number)
    const lost = this.#last - number - missed.length
    if (lost > 0) connection.comment(`${lost} of the events that came meanwhile are no longer kept`)
    for (const event of missed) connection.message(event.json, this.#id(event.number))
    if (this.#isEnded) connection.end()
  }

  /**
   * Sends a message, or keeps it until its client comes back. False if it cannot: nobody would.
   * @param answers the request that it answers
   */
  send(json: string, answers?: RpcId): boolean {
    if (!this.isConnected && !this.#isKnown) return false
    const number = ++this.#last
    this.#isKnown = true
    this.#options.events.add(this.name, number, json, answers)
    this.#connection?.message(json, this.#id(number))
    return true
  }

  /** The last message was sent. */
  end(): void {
    this.#isEnded = true
    this.close()
  }

  /** Heartbeat; after a long time, a client that can come back is sent away to do so. */
  beat(now: number): void {
    const { primes, connectionMs } = this.#options
    const connection = this.#connection
    if (connection === undefined || !connection.isOpen) return
    this.#seenAt = now
    if (primes && now - connection.openedAt >= connectionMs) connection.end()
    else connection.beat(now)
  }

  /** Whether its client has been away for so long that it is not waited for any more. */
  isAbandoned(now: number): boolean {
    return !this.isConnected && (!this.#isKnown || now - this.#seenAt >= this.#options.limits.resumeMs)
  }

  /** Ends the connection; its client may come back. */
  close(): void {
    this.#connection?.end()
  }

  /** Forgets what was sent: its client is not waited for any more. */
  forget(): void {
    this.close()
    this.#isKnown = false
    this.#options.events.forget(this.name)
  }

  #after(number: number): readonly KeptEvent[] {
    return this.#options.events.after(this.name, number)
  }

  #carryOn(connection: EventStream): void {
    this.#connection = connection
    this.#seenAt = performance.now()
    connection.onClose(() => {
      if (this.#connection === connection) this.#connection = undefined // and with it all that it had still to write
    })
  }

  #prime(number: number): void {
    const { primes, limits } = this.#options
    if (!primes) {
      this.#connection?.start()
      return
    }
    this.#isKnown = true
    this.#connection?.prime(this.#id(number), limits.retryMs)
  }

  #id(number: number): string {
    return `${this.name}-${number}`
  }
}
