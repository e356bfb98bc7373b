import type { ServerResponse } from 'node:http'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { type RpcId, type RpcResponse, rpcCode } from '../../domain/mcp/rpc.ts'
import { errorText, messageText } from '../rpc/message.ts'
import type { Exchange } from '../session/client-request.ts'
import type { Accepts } from './headers.ts'
import type { EndpointLimits } from './limits.ts'
import { cutOffWhenStalled, PacedWriter, PIECE_CHARACTERS } from './paced-writer.ts'
import { EventStream } from './sse.ts'

/**
 * The answer to one POST with a request in it: plain JSON if the answer is all there is, a stream of events as soon as something comes before
 * it, or when it is long in coming, or when the client would rather have one.
 */
export class HttpExchange implements Exchange {
  readonly #response: ServerResponse
  readonly #accepts: Accepts
  readonly #limits: EndpointLimits
  readonly #id: RpcId
  readonly #onEnd: (exchange: HttpExchange) => void
  /** Sent with the answer, whatever its form. */
  readonly headers: Record<string, string> = {}
  readonly #startedAt = performance.now()
  #stream: EventStream | undefined

  constructor(
    response: ServerResponse,
    id: RpcId,
    accepts: Accepts,
    limits: EndpointLimits,
    onEnd: (exchange: HttpExchange) => void,
  ) {
    this.#response = response
    this.#id = id
    this.#accepts = accepts
    this.#limits = limits
    this.#onEnd = onEnd
  }

  send(message: RpcMessage): boolean {
    if (!this.#accepts.sse || this.isOver) return false
    const text = messageText(message)
    return text !== undefined && this.#events().message(text)
  }

  end(answer: RpcResponse | undefined): void {
    this.#onEnd(this)
    if (this.isOver) return
    const text = answer === undefined ? undefined : messageText(answer)
    const { json, sse, ratherSse } = this.#accepts
    if (this.#stream === undefined && json && !ratherSse && (text !== undefined || !sse)) {
      this.#endJson(text ?? errorText({ code: rpcCode.unreachable, message: 'The request was cancelled' }, this.#id))
      return
    }
    const stream = this.#events()
    if (text !== undefined) stream.message(text)
    stream.end()
  }

  /** Called now and then: shows the client, and all between it and us, that the request is being worked on. */
  beat(now: number): void {
    if (this.isOver) return
    if (this.#stream !== undefined) this.#stream.beat(now)
    else if (this.#accepts.sse && now - this.#startedAt >= this.#limits.heartbeatMs) this.#events().start()
  }

  /** Whether the answer is complete, or the client gone. */
  get isOver(): boolean {
    return this.#response.writableEnded || this.#response.destroyed
  }

  #events(): EventStream {
    this.#stream ??= new EventStream(this.#response, this.#limits, this.headers)
    return this.#stream
  }

  #endJson(text: string): void {
    const isLong = text.length > PIECE_CHARACTERS
    this.#response.writeHead(200, {
      'Content-Type': 'application/json',
      ...(isLong ? {} : { 'Content-Length': Buffer.byteLength(text) }),
      ...this.headers,
    })
    if (isLong) {
      const writer = new PacedWriter(this.#response, this.#limits.stallMs)
      writer.write(text)
      writer.end()
      return
    }
    this.#response.end(text)
    cutOffWhenStalled(this.#response, this.#limits.stallMs)
  }
}
