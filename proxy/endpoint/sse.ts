import type { ServerResponse } from 'node:http'
import type { EndpointLimits } from './limits.ts'

const SSE_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache', 'X-Accel-Buffering': 'no' }

/** A response that is a stream of server-sent events. A client that does not read it is cut off. */
export class EventStream {
  readonly #response: ServerResponse
  readonly #limits: EndpointLimits
  #lastWrite = performance.now()

  constructor(response: ServerResponse, limits: EndpointLimits, headers: Readonly<Record<string, string>> = {}) {
    this.#response = response
    this.#limits = limits
    response.writeHead(200, { ...SSE_HEADERS, ...headers })
  }

  /** Sends the headers now, before there is a first message. */
  start(): void {
    this.#response.flushHeaders()
  }

  get isOpen(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed
  }

  /** Bytes that the client has not taken yet. */
  get waiting(): number {
    return this.#response.writableLength
  }

  /** Sends one message, given as JSON. False if the stream has ended. */
  message(json: string): boolean {
    return this.event('message', json)
  }

  /** Sends an event of any name, its data given as JSON. False if the stream has ended. */
  event(name: string, json: string): boolean {
    return this.#write(`event: ${name}\ndata: ${json}\n\n`)
  }

  /** Sends a comment if nothing was sent for a while: it keeps the connection, and shows when it is dead. */
  beat(now: number): void {
    if (now - this.#lastWrite >= this.#limits.heartbeatMs) this.#write(': still here\n\n')
  }

  end(): void {
    if (this.isOpen) this.#response.end()
    cutOffWhenStalled(this.#response, this.#limits.stallMs)
  }

  #write(text: string): boolean {
    if (!this.isOpen) return false
    this.#lastWrite = performance.now()
    const flushed = this.#response.write(text)
    if (this.#response.writableLength > this.#limits.streamBytes) {
      this.#response.destroy()
      return false
    }
    if (!flushed) cutOffWhenStalled(this.#response, this.#limits.stallMs)
    return true
  }
}

/** Ends the connection of a client that takes nothing of what waits for it for `stallMs`. */
export const cutOffWhenStalled = (response: ServerResponse, stallMs: number): void => {
  const { socket } = response
  if (socket === null || socket.writableLength === 0 || response.listenerCount('timeout') > 0) return
  response.setTimeout(stallMs, () => socket.destroy())
  response.once('drain', () => {
    response.removeAllListeners('timeout')
    response.setTimeout(0)
  })
}
