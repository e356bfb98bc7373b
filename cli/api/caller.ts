import { CliError } from '../errors.ts'
import type { HttpAnswer, HttpClient } from './http.ts'
import { problemOf } from './problem.ts'

export interface CallerOptions {
  readonly url: string
  readonly token: string | undefined
  readonly signal: AbortSignal
  /** Rejects when the user interrupts. */
  sleep(ms: number): Promise<void>
  /** Says on stderr that mcpd asked to wait. */
  notice(text: string): void
  readonly random: () => number
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: object
  /** Instead of the configured one. */
  readonly token?: string
}

/** One request in, JSON or lines out; busy answers are tried again. */
export interface Caller {
  json<Answer>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, options?: CallOptions): Promise<Answer>
  lines(path: string, query: CallOptions['query']): Promise<AsyncIterable<string>>
  close(): void
}

/** Attempts in all when mcpd answers 429 or 503, and the longest it may ask us to wait for one. */
export const MAX_ATTEMPTS = 6
export const MAX_RETRY_AFTER_SECONDS = 30
/** Silence that counts as no answer: longer than mcpd's longest poll. */
const SILENCE_MS = 60_000

export const caller = (options: CallerOptions): Caller => {
  let client: Promise<HttpClient> | undefined
  const http = () => (client ??= import('./http.ts').then(({ httpClient }) => httpClient(options.url)))

  const attempt = async (
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    call: CallOptions,
    silenceMs: number,
  ) => {
    const { key, ...rest } = withKey(method, call)
    for (let count = 1; ; count += 1) {
      const answer = await (await http()).call({
        method,
        path: path + queryText(rest.query),
        headers: headersOf(rest, rest.token ?? options.token, key),
        body: rest.body === undefined ? undefined : JSON.stringify(rest.body),
        signal: options.signal,
        silenceMs,
      })
      if (answer.status < 400) return answer
      const problem = await problemOf(answer, options.url)
      const wait = count < MAX_ATTEMPTS ? pauseAfter(problem, count, options.random()) : undefined
      if (wait === undefined) throw problem
      options.notice(`mcpd: ${problem.message}; trying again in ${(wait / 1000).toFixed(1)} s`)
      await options.sleep(wait)
    }
  }

  return {
    json: async <Answer>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, call: CallOptions = {}) =>
      parsed<Answer>(await attempt(method, path, call, SILENCE_MS), options.url),
    lines: async (path, query) => (await attempt('GET', path, query === undefined ? {} : { query }, 0)).lines(),
    close: () => {
      void client?.then((made) => made.close())
    },
  }
}

/** A repeat of a mutation carries the key of the first attempt, so it has one effect. */
const withKey = (method: string, call: CallOptions): CallOptions & { readonly key?: string } =>
  method === 'GET' ? call : { ...call, key: crypto.randomUUID() }

const headersOf = (call: CallOptions, token: string | undefined, key: string | undefined): Record<string, string> => ({
  accept: 'application/json',
  ...call.headers,
  ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
  ...(key === undefined ? {} : { 'idempotency-key': key }),
})

/** Milliseconds to wait before the next attempt; undefined when another one would be no use. */
const pauseAfter = (problem: CliError, count: number, random: number): number | undefined => {
  if (problem.status !== 429 && problem.status !== 503) return undefined
  if (problem.retryAfter === undefined)
    return problem.status === 429 ? 2 ** (count - 1) * 500 * (0.5 + random) : undefined
  if (problem.retryAfter > MAX_RETRY_AFTER_SECONDS) return undefined
  return problem.retryAfter * 1000 + random * 250
}

const queryText = (query: CallOptions['query']): string => {
  const set = Object.entries(query ?? {}).filter(([, value]) => value !== undefined && value !== false)
  return set.length === 0
    ? ''
    : `?${set.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`
}

const parsed = async <Answer>(answer: HttpAnswer, url: string): Promise<Answer> => {
  try {
    return JSON.parse(await answer.text()) as Answer
  } catch (error) {
    if (error instanceof CliError) throw error
    throw new CliError('not-mcpd', `what answers at ${url} is not mcpd: it sent no JSON`, {
      hint: 'Look at --server, MCPCTL_SERVER and "mcpctl config view"',
    })
  }
}
