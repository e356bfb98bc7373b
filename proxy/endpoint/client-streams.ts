import type { ServerResponse } from 'node:http'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { messageText } from '../rpc/message.ts'
import type { ClientStream } from '../session/client-request.ts'
import type { ProtocolVersion } from '../session/initialize.ts'
import type { SessionEvents } from './event-store.ts'
import type { EndpointLimits } from './limits.ts'
import { eventUnknown, type Refusal } from './refusal.ts'
import { parseEventId, ResumableStream } from './resumable-stream.ts'
import type { Carrier } from './session-store.ts'
import { EventStream } from './sse.ts'

/** The answer to a POST that is under way. */
interface PendingAnswer {
  /** Whether the client is there to take it. */
  readonly isConnected: boolean
  beat(now: number): void
}

type Headers = Readonly<Record<string, string>>

/** What waits for a client that has no stream open is kept under this name. */
const WAITING = ''

/** The first revision whose clients know of events without data. */
const PRIMING_SINCE: ProtocolVersion = '2025-11-25'

/**
 * All that one session of Streamable HTTP has open: answers that are due, their streams, and the streams that the client listens on (GET).
 * What belongs to no request goes on one of the latter, the newest; while there is none, some of it is kept.
 */
export class ClientStreams implements ClientStream, Carrier {
  /** What was agreed on with the client. */
  version: ProtocolVersion | undefined
  readonly #limits: EndpointLimits
  readonly #events: SessionEvents
  /** Of those that the client may come back to. */
  readonly #streams = new Map<string, ResumableStream>()
  /** Those that a GET has begun, newest last. */
  #listening: ResumableStream[] = []
  readonly #exchanges = new Set<PendingAnswer>()
  #lastStream = 0
  #lastWaiting = 0

  constructor(limits: EndpointLimits, events: SessionEvents) {
    this.#limits = limits
    this.#events = events
  }

  get isBusy(): boolean {
    return this.isAnswering || this.#listening.some((stream) => stream.isConnected)
  }

  /** Whether the client waits for an answer, at the other end of a connection. */
  get isAnswering(): boolean {
    for (const exchange of this.#exchanges) if (exchange.isConnected) return true
    return false
  }

  /** Whether its client knows of events that have an id and no data. */
  get primes(): boolean {
    return this.version !== undefined && this.version >= PRIMING_SINCE
  }

  /** A request is under way. */
  began(exchange: PendingAnswer): void {
    this.#exchanges.add(exchange)
  }

  ended(exchange: PendingAnswer): void {
    this.#exchanges.delete(exchange)
  }

  /** A GET: the client listens from now on. */
  listen(response: ServerResponse, headers: Headers): void {
    this.#listenOn(this.#newStream('g'), new EventStream(response, this.#limits, headers))
  }

  /** A GET with `Last-Event-ID`: that very stream goes on. Why it cannot, or undefined. */
  resume(lastEventId: string, response: ServerResponse, headers: Headers): Refusal | undefined {
    const id = parseEventId(lastEventId)
    if (id === undefined) return eventUnknown(lastEventId)
    const stream = this.#streams.get(id.stream)
    const isListening = id.stream.startsWith('g')
    // Who comes back too late to listen shall listen again: a client that is refused may stay deaf.
    if (stream === undefined && isListening && Number(id.stream.slice(1)) <= this.#lastStream) {
      const connection = new EventStream(response, this.#limits, headers)
      connection.comment('what came meanwhile is no longer kept: this is a new stream')
      this.#listenOn(this.#newStream('g'), connection)
      return undefined
    }
    if (stream === undefined || !stream.canResume(id.number)) return eventUnknown(lastEventId)
    stream.resume(new EventStream(response, this.#limits, headers), id.number)
    if (isListening) this.#isHeard(stream)
    return undefined
  }

  /** The answer to a POST becomes a stream. `primed`: its first message is not there yet. */
  answerOn(response: ServerResponse, headers: Headers, primed: boolean): ResumableStream {
    const stream = this.#newStream('p')
    stream.begin(new EventStream(response, this.#limits, headers), primed)
    return stream
  }

  send(message: RpcMessage): boolean {
    const json = messageText(message)
    if (json === undefined) return false
    for (let i = this.#listening.length - 1; i >= 0; i--) {
      const stream = this.#listening[i]
      if (stream?.isConnected === true && stream.send(json)) return true
    }
    return this.#wait(json)
  }

  tick(now: number): void {
    for (const exchange of this.#exchanges) exchange.beat(now)
    for (const stream of this.#streams.values()) {
      stream.beat(now)
      if (stream.isAbandoned(now)) this.#forget(stream)
    }
  }

  close(): void {
    for (const stream of this.#streams.values()) stream.close()
    this.#streams.clear()
    this.#listening = []
    this.#events.close()
  }

  #newStream(kind: 'g' | 'p'): ResumableStream {
    this.#makeRoom()
    const name = `${kind}${++this.#lastStream}`
    const stream = new ResumableStream({
      name,
      events: this.#events,
      limits: this.#limits,
      primes: this.primes,
      connectionMs: kind === 'p' ? this.#limits.streamMs : Number.POSITIVE_INFINITY,
    })
    this.#streams.set(name, stream)
    return stream
  }

  /** Bounds the streams that a client may come back to: the oldest that is over, or was left, goes. */
  #makeRoom(): void {
    if (this.#streams.size < this.#limits.keptStreams) return
    for (const stream of this.#streams.values())
      if (!stream.isConnected && (stream.isEnded || stream.name.startsWith('g'))) {
        this.#forget(stream)
        return
      }
  }

  #forget(stream: ResumableStream): void {
    stream.forget()
    this.#streams.delete(stream.name)
    this.#listening = this.#listening.filter((one) => one !== stream)
  }

  #listenOn(stream: ResumableStream, connection: EventStream): void {
    stream.begin(connection, true)
    this.#isHeard(stream)
  }

  /** The stream has a client: it gets what waits, and what comes. */
  #isHeard(stream: ResumableStream): void {
    this.#listening = [...this.#listening.filter((one) => one !== stream && one.isConnected), stream]
    if (this.#listening.length > this.#limits.streams) this.#listening.shift()?.close()
    const waiting = this.#events.after(WAITING, 0)
    this.#events.forget(WAITING)
    for (const { json } of waiting) stream.send(json)
  }

  #wait(json: string): boolean {
    const { queuedMessages, queuedBytes } = this.#limits
    const waiting = this.#events.after(WAITING, 0)
    const bytes = waiting.reduce((sum, event) => sum + event.json.length, json.length)
    if (waiting.length >= queuedMessages || bytes > queuedBytes) return false
    return this.#events.keep(WAITING, ++this.#lastWaiting, json, true)
  }
}
