import type { LineFacts, MessageStream } from '../../domain/instance/runtime.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkClient, RpcMessage } from '../../domain/mcp/link.ts'
import { notification, type RpcId } from '../../domain/mcp/rpc.ts'
import { guarded } from './guarded.ts'
import { firstRubbish, type Rubbish, type Speaker, shakeHands } from './handshake.ts'
import type { OwnMessage } from './rpc.ts'
import type { SessionPool } from './session-pool.ts'
import { readLine, readLong, type Source } from './stdout-lines.ts'

export interface OwnStreamOptions {
  readonly pool: SessionPool
  readonly client: LinkClient
  readonly redact: (text: string) => string
  readonly logger: Logger
  /** Which copy of which server, for the log. */
  readonly names: object
  readonly initializeTimeoutMs?: number | undefined
  /** It is initialised. */
  readonly onOpen: () => void
  /** What the server sent, but for answers to this end's own requests; `forgotten` as in `LineFacts`. */
  readonly onMessage: (message: OwnMessage, source: Source, forgotten: boolean) => void
  /** It could not be begun: nothing of what waits has been sent. */
  readonly onFailed: (error: unknown) => void
  /** It was open and has ended by itself. */
  readonly onEnded: (reason: string) => void
}

type Settle = (answer: RpcMessage | undefined) => void

/** The stream of one client's own session: begun when it is wanted, dropped when it is not, and begun again. */
export class OwnStream implements Speaker {
  readonly #options: OwnStreamOptions
  readonly #asked = new Map<RpcId, Settle>()
  #ids = 0
  #stream: MessageStream | undefined
  /** There while it is begun or open. */
  #attempt: AbortController | undefined
  #open = false

  constructor(options: OwnStreamOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Once: `onOpen` or `onFailed` follows, unless it is dropped before. */
  async begin(): Promise<void> {
    const attempt = new AbortController()
    this.#attempt = attempt
    const { pool, client, initializeTimeoutMs: timeoutMs, onOpen, onFailed } = this.#options
    const { signal } = attempt
    try {
      const stream = await pool.acquire(signal)
      if (signal.aborted) {
        pool.release(stream)
        return
      }
      const rubbish = this.#read(stream)
      await shakeHands(stream, this, { client, signal, timeoutMs, rubbish })
      if (signal.aborted) return
      this.#open = true
      onOpen()
    } catch (error) {
      if (signal.aborted) return
      this.drop()
      onFailed(error)
    }
  }

  /** False when there is no stream, or it does not take more. */
  send(text: string): boolean {
    return this.#stream?.send(text) ?? false
  }

  request(method: string, params: JsonObject, onSettled?: Settle): void {
    // A text, where clients' ids are numbers: never taken for one of theirs.
    const id = `mcpd-${++this.#ids}`
    if (onSettled !== undefined) this.#asked.set(id, onSettled)
    if (this.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))) return
    this.#asked.delete(id)
    onSettled?.(undefined)
  }

  notify(method: string): void {
    this.send(JSON.stringify(notification(method)))
  }

  log(line: string): void {
    this.#stream?.log('mcpd', line)
  }

  /** Ends it, however far it was. */
  drop(): void {
    const stream = this.#stream
    this.#attempt?.abort()
    this.#attempt = undefined
    this.#stream = undefined
    this.#open = false
    const asked = [...this.#asked.values()]
    this.#asked.clear()
    for (const settle of asked) settle(undefined)
    if (stream !== undefined) this.#options.pool.release(stream)
  }

  #read(stream: MessageStream): Rubbish {
    this.#stream = stream
    const rubbish = firstRubbish(this.#options.redact)
    const onRubbish = (line: string): void => {
      stream.log('stdout', line)
      if (!this.#open) rubbish.push(line)
    }
    const take = (line: string, { parsed, forgotten }: LineFacts = {}): void => {
      if (this.#stream !== stream) return
      readLine(line, (message) => this.#take(message, line, forgotten === true), onRubbish, parsed)
    }
    const takeLong = (bytes: Buffer): void => {
      if (this.#stream === stream) readLong(bytes, (answer) => this.#take(answer, bytes, false), take)
    }
    const { logger, names } = this.#options
    stream.onLine(guarded(logger, names, take), guarded(logger, names, takeLong))
    void stream.exited.then(({ reason }) => {
      if (this.#stream !== stream || !this.#open) return // while it begins, the handshake gives the reason
      this.drop()
      this.#options.onEnded(reason)
    })
    return rubbish
  }

  #take(message: OwnMessage, source: Source, forgotten: boolean): void {
    const { id, method } = message
    const settle = id === undefined || method !== undefined ? undefined : this.#asked.get(id)
    if (settle === undefined || id === undefined) {
      this.#options.onMessage(message, source, forgotten)
      return
    }
    this.#asked.delete(id)
    settle(message)
  }
}
