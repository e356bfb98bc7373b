import { setMaxListeners } from 'node:events'
import type { HttpStreamOptions } from '../../domain/instance/http-stream.ts'
import type { Lookup } from './connector.ts'
import { placeOf } from './failures.ts'
import { type HttpAnswer, type HttpClient, type HttpRequest, openHttpClient } from './http-client.ts'
import type { HttpLimits } from './limits.ts'
import { ACCEPTED_ENCODINGS } from './unpacked.ts'

export type Exchange = Omit<HttpRequest, 'signal'> & {
  /** Ends it; the end of the session does, too. */
  readonly signal?: AbortSignal
}

export interface RequestsOptions {
  readonly stream: HttpStreamOptions
  readonly limits: HttpLimits
  readonly lookup?: Lookup | undefined
  readonly note: (line: string) => void
}

/** The requests of one session, over connections of its own that all end with it. */
export class Requests {
  readonly #options: RequestsOptions
  readonly #headers: Readonly<Record<string, string>>
  readonly #over = new AbortController()
  #client: Promise<HttpClient> | undefined
  #redirectNoted = false

  constructor(options: RequestsOptions) {
    this.#options = options
    setMaxListeners(0, this.#over.signal) // as many as requests are under way
    // In lower case, so that a transport's own take their place. A value from a file may end in a line break.
    const given = Object.entries(options.stream.headers).map(([name, value]) => [name.toLowerCase(), value.trim()])
    this.#headers = { 'user-agent': 'mcpctl', ...Object.fromEntries(given), 'accept-encoding': ACCEPTED_ENCODINGS }
  }

  /** Aborts when the session is over. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /**
   * Makes a request and reads its answer; what is not read of it is let go.
   * @throws what `read` throws; HttpFailure; whatever undici or Node have to say
   */
  async exchange<T>({ signal, ...request }: Exchange, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const abort = new AbortController()
    const stop = () => abort.abort()
    const ends = signal === undefined ? [this.over] : [this.over, signal]
    for (const end of ends) {
      end.addEventListener('abort', stop, { once: true })
      if (end.aborted) stop()
    }
    try {
      return await this.#request({ ...request, signal: abort.signal }, read)
    } finally {
      for (const end of ends) end.removeEventListener('abort', stop)
    }
  }

  /** Ends what is under way. */
  stop(): void {
    this.#over.abort()
  }

  /** A request after the end; nobody reads its answer. @throws as `exchange`, an AbortError after `withinMs` */
  async last(request: Omit<HttpRequest, 'signal'>): Promise<void> {
    const deadline = new AbortController()
    const timer = setTimeout(() => deadline.abort(), request.withinMs)
    try {
      await this.#request({ ...request, signal: deadline.signal }, async () => {})
    } finally {
      clearTimeout(timer)
    }
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined) // told to who made a request with it
    await client?.close()
  }

  async #request<T>(request: HttpRequest, read: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    const client = await this.#connected()
    const answer = await client.request({ ...request, headers: { ...this.#headers, ...request.headers } })
    try {
      return await read(answer)
    } finally {
      answer.body.destroy()
    }
  }

  #connected(): Promise<HttpClient> {
    const { stream, limits, lookup } = this.#options
    const { allowLinkLocal, url } = stream
    const onRedirect = (from: URL, to: URL) => this.#noteRedirect(from, to)
    this.#client ??= openHttpClient({ origin: url.origin, allowLinkLocal, limits, lookup, onRedirect })
    return this.#client
  }

  #noteRedirect(from: URL, to: URL): void {
    if (this.#redirectNoted) return
    this.#redirectNoted = true
    this.#options.note(
      `requests to ${placeOf(from)} are redirected to ${placeOf(to)}: as its URL it saves a round trip`,
    )
  }
}
