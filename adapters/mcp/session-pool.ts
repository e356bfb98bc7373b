import type { DedicatedSessions, MessageStream } from '../../domain/instance/runtime.ts'
import type { Logger } from '../../domain/kernel/logger.ts'

/** How long after a stream failed that nobody had asked for the next one is made ready. */
const WARM_PAUSE_MS = 30_000

export interface SessionPoolOptions extends Pick<DedicatedSessions, 'maxSessions' | 'minIdle'> {
  /** Which instance of which server, for the log. */
  readonly names: object
  readonly logger: Logger
  /** Begins a stream that nothing has been sent on. `session` is unique in this pool. */
  readonly open: (session: string, signal: AbortSignal) => Promise<MessageStream>
  readonly stopGraceMs: number
}

/** All sessions of the instance are taken. */
export class PoolFull extends Error {
  readonly max: number
  constructor(max: number) {
    super(`all ${max} sessions are taken`)
    this.name = 'PoolFull'
    this.max = max
  }
}

/**
 * The streams of one instance's dedicated sessions: each is used by one client and then ended. `minIdle` more are kept
 * ready, so that a client does not wait for a program to start.
 */
export class SessionPool {
  readonly #options: SessionPoolOptions
  readonly #closing = new AbortController()
  /** Streams that were opened and have not ended, used or not, and those that are being opened. */
  readonly #live = new Set<object>()
  readonly #warm = new Set<MessageStream>()
  readonly #ending = new Set<Promise<void>>()
  #opening = 0
  #opened = 0
  #pause: NodeJS.Timeout | undefined

  constructor(options: SessionPoolOptions) {
    this.#options = options
    this.#refill()
  }

  /** What is held at the moment. */
  get held(): { readonly streams: number; readonly warm: number } {
    return { streams: this.#live.size, warm: this.#warm.size }
  }

  /**
   * A stream that nothing has been sent on, the caller's own until it is released.
   * @throws PoolFull; what opening throws
   */
  async acquire(signal: AbortSignal): Promise<MessageStream> {
    for (const ready of this.#warm) {
      this.#warm.delete(ready)
      this.#refill()
      return ready
    }
    if (this.#live.size >= this.#options.maxSessions) throw new PoolFull(this.#options.maxSessions)
    return this.#open(AbortSignal.any([signal, this.#closing.signal]))
  }

  /** Ends a stream; the pool waits for that, the caller need not. */
  release(stream: MessageStream): void {
    const ending = stream
      .stop({ graceMs: this.#options.stopGraceMs })
      .catch((error: unknown) =>
        this.#options.logger.warn({ ...this.#options.names, err: error }, 'a session did not end'),
      )
      .finally(() => {
        this.#ending.delete(ending)
      })
    this.#ending.add(ending)
  }

  /** Ends all streams. The users of those in use hear of it as of any other end. */
  async close(): Promise<void> {
    this.#closing.abort()
    clearTimeout(this.#pause)
    for (const stream of this.#live) if (isStream(stream)) this.release(stream)
    while (this.#ending.size > 0) await Promise.all(this.#ending)
  }

  async #open(signal: AbortSignal): Promise<MessageStream> {
    const place = {}
    this.#live.add(place)
    try {
      const stream = await this.#options.open(`s${++this.#opened}`, signal)
      this.#live.add(stream)
      void stream.exited.then(() => {
        this.#live.delete(stream)
        this.#warm.delete(stream)
      })
      if (this.#closing.signal.aborted) this.release(stream)
      return stream
    } finally {
      this.#live.delete(place)
    }
  }

  #refill(): void {
    const { minIdle, maxSessions } = this.#options
    while (
      this.#warm.size + this.#opening < minIdle &&
      this.#live.size < maxSessions &&
      this.#pause === undefined &&
      !this.#closing.signal.aborted
    )
      void this.#warmUp()
  }

  async #warmUp(): Promise<void> {
    this.#opening += 1
    try {
      const stream = await this.#open(this.#closing.signal)
      this.#warm.add(stream)
      void stream.exited.then(() => this.#refillLater())
    } catch (error) {
      if (this.#closing.signal.aborted) return
      this.#options.logger.warn({ ...this.#options.names, err: error }, 'a session could not be made ready')
      this.#refillLater()
    } finally {
      this.#opening -= 1
    }
  }

  #refillLater(): void {
    if (this.#closing.signal.aborted || this.#pause !== undefined) return
    if (this.#warm.size >= this.#options.minIdle) return
    this.#pause = setTimeout(() => {
      this.#pause = undefined
      this.#refill()
    }, WARM_PAUSE_MS)
    this.#pause.unref()
  }
}

const isStream = (held: object): held is MessageStream => 'exited' in held
