import type { ServerResponse } from 'node:http'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { messageText } from '../rpc/message.ts'
import type { ClientStream } from '../session/client-request.ts'
import type { EndpointLimits } from './limits.ts'
import { EventStream } from './sse.ts'

/** The GET streams of one session. Each message goes on one of them, the newest; while there is none, some are kept. */
export class ClientStreams implements ClientStream {
  readonly #limits: EndpointLimits
  readonly #streams: EventStream[] = []
  #queue: string[] = []
  #queuedBytes = 0

  constructor(limits: EndpointLimits) {
    this.#limits = limits
  }

  /** How many are open. */
  get size(): number {
    return this.#streams.length
  }

  open(response: ServerResponse, headers: Readonly<Record<string, string>>): void {
    const stream = new EventStream(response, this.#limits, headers)
    stream.start()
    this.#streams.push(stream)
    if (this.#streams.length > this.#limits.streams) this.#streams.shift()?.end()
    response.once('close', () => this.#remove(stream))
    const waiting = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    for (const json of waiting) stream.message(json)
  }

  send(message: RpcMessage): boolean {
    const json = messageText(message)
    if (json === undefined) return false
    for (let i = this.#streams.length - 1; i >= 0; i--) if (this.#streams[i]?.message(json)) return true
    const { queuedMessages, queuedBytes } = this.#limits
    if (this.#queue.length >= queuedMessages || this.#queuedBytes + json.length > queuedBytes) return false
    this.#queue.push(json)
    this.#queuedBytes += json.length
    return true
  }

  beat(now: number): void {
    for (const stream of this.#streams) stream.beat(now)
  }

  close(): void {
    for (const stream of [...this.#streams]) stream.end()
  }

  #remove(stream: EventStream): void {
    const at = this.#streams.indexOf(stream)
    if (at >= 0) this.#streams.splice(at, 1)
  }
}
