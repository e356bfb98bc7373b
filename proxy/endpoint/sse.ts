import type { ServerResponse } from 'node:http'
import type { EndpointLimits } from './limits.ts'
import { PacedWriter } from './paced-writer.ts'

const SSE_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' }

/** A response that is a stream of server-sent events. A client that does not read it is cut off. */
export class EventStream {
  readonly openedAt = performance.now()
  readonly #response: ServerResponse
  readonly #writer: PacedWriter
  readonly #limits: EndpointLimits
  #lastWrite = this.openedAt

  constructor(response: ServerResponse, limits: EndpointLimits, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response
    this.#writer = new PacedWriter(response, limits.stallMs)
    this.#limits = limits
    response.writeHead(200, { ...SSE_HEADERS, ...headers })
  }

  /** Sends the headers now, before there is a first message. */
  start(): void {
    this.#response.flushHeaders()
  }

  get isOpen(): boolean {
    return this.#writer.isOpen
  }

  /** What to do once the connection is gone, by either side. */
  onClose(listener: () => void): void {
    this.#response.once('close', listener)
  }

  /** Bytes that the client has not taken yet. */
  get waiting(): number {
    return this.#writer.waiting
  }

  /** Sends one message, given as JSON; `id` is what a client may name to go on after it. False if the stream has ended. */
  message(json: string, id?: string): boolean {
    return this.#write(`event: message\n${id === undefined ? '' : `id: ${id}\n`}data: ${json}\n\n`)
  }

  /** Sends an event of any name, its data on one line. False if the stream has ended. */
  event(name: string, data: string): boolean {
    return this.#write(`event: ${name}\ndata: ${data}\n\n`)
  }

  /** Gives the client an id before there is a message (SEP-1699), and how long it shall wait before it comes back. */
  prime(id: string, retryMs: number): boolean {
    return this.#write(`id: ${id}\nretry: ${retryMs}\ndata: \n\n`)
  }

  /** Sends a line for people, which clients skip. */
  comment(text: string): boolean {
    return this.#write(`: ${text}\n\n`)
  }

  /** Sends a comment if nothing was sent for a while: it keeps the connection, and shows when it is dead. */
  beat(now: number): void {
    if (now - this.#lastWrite >= this.#limits.heartbeatMs) this.comment('still here')
  }

  end(): void {
    this.#writer.end()
  }

  #write(text: string): boolean {
    if (!this.isOpen) return false
    // Looked at before: one message may be as long as it likes, whatever it comes behind.
    if (this.#writer.waiting > this.#limits.streamBytes) {
      this.#response.destroy()
      return false
    }
    this.#lastWrite = performance.now()
    this.#writer.write(text)
    return true
  }
}
