import type { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { pause } from '../../domain/kernel/pause.ts'
import { throwIfAborted } from './backoff.ts'
import { TimedOut } from './failures.ts'

export interface TakeOptions {
  /** Most items at once. */
  readonly max: number
  /** How long to wait for the first one, in ms. Default: for ever. */
  readonly timeoutMs?: number
  readonly signals: readonly AbortSignal[]
}

/**
 * Takes what has arrived from one of the client's reads or subscriptions, in bites. Iterating over those directly has
 * no deadline, leaks the call when it is left, and a failure after that ends the process, since nobody listens to it.
 * Nothing is buffered here: what is not taken fills the stream's own bounded buffer, and then the server is made to wait.
 */
export class Inflow<Item> {
  readonly #stream: Readable
  readonly #cancel: () => Promise<void>
  #failure: unknown
  #failed = false
  #ended = false
  #wake: () => void = () => undefined

  /** @param cancel ends the call itself; destroying the stream does not. */
  constructor(stream: Readable, cancel: () => Promise<void>) {
    this.#stream = stream
    this.#cancel = cancel
    stream.on('readable', () => this.#wake())
    stream.on('end', () => {
      this.#ended = true
      this.#wake()
    })
    stream.on('error', (error) => {
      this.#failure ??= error
      this.#failed = true
      this.#wake()
    })
  }

  /**
   * @returns at least one item, or none when the stream has ended.
   * @throws what the stream failed with, after all that had arrived before; TimedOut; a signal's reason.
   */
  async take({ max, timeoutMs, signals }: TakeOptions): Promise<Item[]> {
    for (;;) {
      throwIfAborted(signals)
      const items = this.#arrived(max)
      if (items.length > 0) return items
      if (this.#failed) throw this.#failure
      if (this.#ended) return []
      await this.#arrival(timeoutMs, signals)
      // Items come one by one out of what the socket gave: after this turn of the event loop there are more of them.
      await turn()
    }
  }

  /** Ends the call. Resolves when that is done; never rejects. */
  async stop(): Promise<void> {
    await this.#cancel().catch(() => undefined)
    this.#stream.destroy()
  }

  #arrived(max: number): Item[] {
    const items: Item[] = []
    while (items.length < max) {
      const item: Item | null = this.#stream.read()
      if (item === null) break
      items.push(item)
    }
    return items
  }

  async #arrival(timeoutMs: number | undefined, signals: readonly AbortSignal[]): Promise<void> {
    const settled = new AbortController()
    const woken = new Promise<'woken'>((resolve) => {
      this.#wake = () => resolve('woken')
      for (const signal of signals) signal.addEventListener('abort', this.#wake, { once: true, signal: settled.signal })
    })
    try {
      if (timeoutMs === undefined) return void (await woken)
      if (timeoutMs <= 0) throw new TimedOut(0)
      const first = await Promise.race([woken, pause(timeoutMs, settled.signal)])
      if (first !== 'woken') throw new TimedOut(timeoutMs)
    } finally {
      this.#wake = () => undefined
      settled.abort()
    }
  }
}
