import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { Pool } from 'undici'
import { guardedConnector, type Lookup } from './connector.ts'
import { HttpFailure, placeOf, redirected } from './failures.ts'
import { type HttpLimits, MAX_REDIRECTS } from './limits.ts'
import { unpacked } from './unpacked.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Until the answer begins, in milliseconds. */
  readonly withinMs: number
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  /** Where it came from, after redirects. */
  readonly url: URL
  readonly status: number
  /** By its name in lower case; the first, where there are several. */
  header(name: string): string | undefined
  /** `application/json`, without parameters and in lower case. */
  readonly mediaType: string
  /** Unpacked. To be read to its end or destroyed. */
  readonly body: Readable
}

export interface HttpClientOptions {
  readonly origin: string
  readonly allowLinkLocal: boolean
  readonly limits: HttpLimits
  readonly lookup?: Lookup | undefined
  /** Called when a request was sent on to another path of the same origin. */
  readonly onRedirect: (from: URL, to: URL) => void
}

/** Requests to one origin, over connections of its own. */
export interface HttpClient {
  /** @throws HttpFailure for redirects that are not followed; else whatever Node or undici has to say */
  request(request: HttpRequest): Promise<HttpAnswer>
  /** Ends all connections. */
  close(): Promise<void>
}

/** undici takes 80 ms to load: who has no HTTP server does not pay for it. */
export const openHttpClient = async (options: HttpClientOptions): Promise<HttpClient> => {
  const { default: undici } = await import('undici') // put into a bundle it has no other names
  const { limits, origin } = options
  const connecting = new Set<Socket>()
  const pool = new undici.Pool(origin, {
    connect: guardedConnector(undici.buildConnector, {
      allowLinkLocal: options.allowLinkLocal,
      timeout: limits.connectMs,
      connecting,
      ...(options.lookup === undefined ? {} : { lookup: options.lookup }),
    }),
    // Streams are silent for as long as there is nothing to say; JSON is watched where it is read.
    bodyTimeout: 0,
  })
  return {
    request: (request) => following(pool, request, options.onRedirect),
    async close() {
      const destroyed = pool.destroy()
      for (const socket of connecting) socket.destroy(new Error('the session is over'))
      await destroyed
    },
  }
}

const following = async (pool: Pool, request: HttpRequest, onRedirect: HttpClientOptions['onRedirect']) => {
  let { url } = request
  for (let redirects = 0; ; redirects++) {
    const answer = await ask(pool, { ...request, url })
    const target = targetOf(answer, url)
    if (target === undefined) return answer
    answer.body.destroy()
    const why = redirects === MAX_REDIRECTS ? 'there were too many' : refusedTarget(answer.status, request, target)
    if (why !== undefined) throw new HttpFailure(redirected(answer.status, placeOf(target), why))
    onRedirect(url, target)
    url = target
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

const targetOf = (answer: HttpAnswer, url: URL): URL | undefined => {
  const location = answer.header('location')
  if (!REDIRECTS.has(answer.status) || location === undefined || !URL.canParse(location, url.href)) return undefined
  return new URL(location, url)
}

/** Headers hold credentials, so nothing goes to another origin; and only 307 and 308 send a POST again as it was. */
const refusedTarget = (status: number, { method, url }: HttpRequest, target: URL): string | undefined => {
  if (target.origin !== url.origin) return 'it is another origin, and headers may hold credentials'
  if (method !== 'GET' && status !== 307 && status !== 308) return 'a POST would become a GET'
  return undefined
}

const ask = async (pool: Pool, { method, url, headers, body, withinMs, signal }: HttpRequest): Promise<HttpAnswer> => {
  const answer = await pool.request({
    method,
    path: `${url.pathname}${url.search}`,
    headers,
    body: body ?? null,
    headersTimeout: withinMs,
    signal,
  })
  const header = (name: string): string | undefined => {
    const value = answer.headers[name]
    return Array.isArray(value) ? value[0] : value
  }
  answer.body.on('error', () => {}) // told to who reads it; who destroys it wants to hear nothing
  return {
    url,
    status: answer.statusCode,
    header,
    mediaType: (header('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '',
    body: unpacked(answer.body, header('content-encoding')),
  }
}
