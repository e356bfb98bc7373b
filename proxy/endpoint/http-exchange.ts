import type { ServerResponse } from 'node:http'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { beginningOfLong, longResultOf } from '../../domain/mcp/long-answer.ts'
import { type RpcId, type RpcResponse, rpcCode } from '../../domain/mcp/rpc.ts'
import { errorText, messageText } from '../rpc/message.ts'
import type { Exchange } from '../session/client-request.ts'
import type { ClientStreams } from './client-streams.ts'
import type { Accepts } from './headers.ts'
import type { EndpointLimits } from './limits.ts'
import { cutOffWhenStalled, PacedWriter, PIECE_CHARACTERS } from './paced-writer.ts'
import type { ResumableStream } from './resumable-stream.ts'

export interface HttpExchangeOptions {
  readonly response: ServerResponse
  readonly accepts: Accepts
  readonly limits: EndpointLimits
  readonly streams: ClientStreams
  /** The requests in the body, in order. */
  readonly ids: readonly RpcId[]
  /** The body was a batch: so is the answer. What is in it already: errors for what was no message. */
  readonly batch?: readonly string[]
}

interface Answer {
  readonly text: string
  readonly id: RpcId | undefined
}

/**
 * The answer to one POST with a request in it, or several: plain JSON if the answer is all there is, a stream of events as soon as something
 * comes before it, when it is long in coming, or when the client would rather have one. That stream outlives its connection, for a while.
 */
export class HttpExchange implements Exchange {
  readonly #options: HttpExchangeOptions
  /** Sent with the answer, whatever its form. */
  readonly headers: Record<string, string> = {}
  readonly #startedAt = performance.now()
  #owed: number
  #answers: Answer[]
  #stream: ResumableStream | undefined

  constructor(options: HttpExchangeOptions) {
    this.#options = options
    this.#owed = options.ids.length
    this.#answers = (options.batch ?? []).map((text) => ({ text, id: undefined }))
    options.streams.began(this)
  }

  /** Whether the client is there to take the answer. */
  get isConnected(): boolean {
    if (this.#stream !== undefined) return this.#stream.isConnected
    return !this.#options.response.writableEnded && !this.#options.response.destroyed
  }

  /** To be called before the work begins: a client that would rather have a stream has it then, and can come back to it from there on. */
  begin(): void {
    if (this.#options.accepts.ratherSse) this.#events(true)
  }

  send(message: RpcMessage): boolean {
    if (!this.#options.accepts.sse || (this.#stream === undefined && !this.isConnected)) return false
    const text = messageText(message)
    return text !== undefined && this.#events(false).send(text)
  }

  end(answer: RpcResponse | undefined): void {
    this.#owed--
    const long = answer === undefined ? undefined : longResultOf(answer)
    if (answer !== undefined && long !== undefined && this.#endLong(answer.id, long)) {
      this.#options.streams.ended(this)
      return
    }
    const text = answer === undefined ? undefined : messageText(answer)
    if (text !== undefined && this.#stream !== undefined) this.#stream.send(text, answer?.id)
    else if (text !== undefined) this.#answers.push({ text, id: answer?.id })
    if (this.#owed > 0) return
    this.#options.streams.ended(this)
    if (this.#stream === undefined) this.#endUnstreamed()
    else this.#stream.end()
  }

  /** Called now and then: shows the client, and all between it and us, that the request is being worked on, and that it can come back. */
  beat(now: number): void {
    const { accepts, streams, limits } = this.#options
    if (this.#stream !== undefined || !this.isConnected || !accepts.sse) return // a stream has its own
    const patience = streams.primes ? limits.primeMs : limits.heartbeatMs
    if (now - this.#startedAt >= patience) this.#events(true)
  }

  #endUnstreamed(): void {
    const { accepts, batch, ids } = this.#options
    if (!this.isConnected) return
    const [only] = this.#answers
    if (this.#prefersJson && (only !== undefined || !accepts.sse)) {
      const cancelled = () => errorText({ code: rpcCode.unreachable, message: 'The request was cancelled' }, ids[0])
      const all = () => `[${this.#answers.map(({ text }) => text).join(',')}]`
      this.#endJson(batch === undefined ? (only?.text ?? cancelled()) : all())
    } else this.#events(false).end()
  }

  /** The stream, with what is to be sent of a batch so far. */
  #events(primed: boolean): ResumableStream {
    if (this.#stream !== undefined) return this.#stream
    const { streams, response } = this.#options
    const stream = streams.answerOn(response, this.headers, primed)
    this.#stream = stream
    for (const { text, id } of this.#answers) stream.send(text, id)
    this.#answers = []
    return stream
  }

  /** Whether what is answered without a stream goes out as JSON. */
  get #prefersJson(): boolean {
    const { accepts } = this.#options
    return accepts.json && !accepts.ratherSse
  }

  /** The result of the one answer that is owed goes out in the bytes that it came in. False if it is to go as any other. */
  #endLong(id: RpcId, result: Buffer): boolean {
    if (this.#stream !== undefined || this.#options.batch !== undefined || !this.#prefersJson || !this.isConnected)
      return false
    const head = Buffer.from(beginningOfLong(id))
    this.#endInPieces([head, result, '}'], { 'Content-Length': head.length + result.length + 1 })
    return true
  }

  #endJson(text: string): void {
    if (text.length > PIECE_CHARACTERS) {
      this.#endInPieces([text], {})
      return
    }
    const { response, limits } = this.#options
    response.writeHead(200, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
      ...this.headers,
    })
    response.end(text)
    cutOffWhenStalled(response, limits.stallMs)
  }

  #endInPieces(parts: readonly (string | Buffer)[], headers: Readonly<Record<string, number>>): void {
    const { response, limits } = this.#options
    response.writeHead(200, { 'Content-Type': 'application/json', ...headers, ...this.headers })
    const writer = new PacedWriter(response, limits.stallMs)
    for (const part of parts) writer.write(part)
    writer.end()
  }
}
