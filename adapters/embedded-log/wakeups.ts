import { BroadcastChannel } from 'node:worker_threads'

/** A client that misses a message, or that reads what another process writes, looks again after this long. */
const FALLBACK_MS = 1000

/** Tells those who wait for new events, in this thread and in others, that there are some. */
export class Wakeups {
  readonly #channel: BroadcastChannel
  readonly #waiting = new Set<() => void>()
  #count = 0

  /** @param folder real path of the log: all clients of it in this process hear each other */
  constructor(folder: string) {
    this.#channel = new BroadcastChannel(`mcpctl-log:${folder}`)
    this.#channel.onmessage = () => this.#wake()
    this.#channel.unref()
  }

  /** Changes with every message; taken before a look at the log and given to `wait`, no message falls in between. */
  get count(): number {
    return this.#count
  }

  announce(): void {
    this.#wake()
    this.#channel.postMessage(0)
  }

  /** Resolves at the next message, at once when there was one since `seen`, when `signal` aborts, or after a second. */
  wait(seen: number, signal: AbortSignal): Promise<void> {
    if (seen !== this.#count || signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        this.#waiting.delete(done)
        resolve()
      }
      // Not unref'd, unlike the channel: a thread that does nothing but follow the log must not end while it waits.
      const timer = setTimeout(done, FALLBACK_MS)
      signal.addEventListener('abort', done, { once: true })
      this.#waiting.add(done)
    })
  }

  /** Wakes all who wait, for the last time. */
  close(): void {
    this.#wake()
    this.#channel.close()
  }

  #wake(): void {
    this.#count += 1
    for (const done of [...this.#waiting]) done()
  }
}
