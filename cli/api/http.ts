import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { messageOf } from '../../domain/kernel/errors.ts'
import { CliError, exitCode, interrupted } from '../errors.ts'

/**
 * A small client over `node:http`: the built-in `fetch` costs 20–25 ms when it is first touched, which is a third of what
 * the whole of `mcpctl get` may take.
 */
export interface HttpCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From the first slash on, encoded, with the query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal: AbortSignal
  /** Longest silence before it counts as no answer; 0 is for ever (a followed log). */
  readonly silenceMs: number
}

/** Largest answer that is taken into memory. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024

export interface HttpAnswer {
  readonly status: number
  header(name: string): string | undefined
  /** The whole body. */
  text(): Promise<string>
  /** The body as lines, as they come. */
  lines(): AsyncGenerator<string>
}

/** One client an address; keeps connections alive between calls and never the process. */
export interface HttpClient {
  readonly url: string
  call(call: HttpCall): Promise<HttpAnswer>
  close(): void
}

export const httpClient = async (url: string): Promise<HttpClient> => {
  const base = new URL(url)
  const https = base.protocol === 'https:' ? await import('node:https') : undefined
  const agent = https === undefined ? new Agent({ keepAlive: true }) : new https.Agent({ keepAlive: true })
  const request = https?.request ?? httpRequest
  const prefix = base.pathname.replace(/\/$/, '')
  return {
    url,
    close: () => agent.destroy(),
    call: (call) =>
      new Promise((resolve, reject) => {
        const options: RequestOptions = {
          agent,
          host: base.hostname.replace(/^\[|\]$/g, ''),
          port: base.port === '' ? (https === undefined ? 80 : 443) : Number(base.port),
          method: call.method,
          path: prefix + call.path,
          headers: {
            ...call.headers,
            ...(call.body === undefined ? {} : { 'content-length': Buffer.byteLength(call.body) }),
          },
          signal: call.signal,
          timeout: call.silenceMs,
        }
        const outgoing = request(options, (incoming) => resolve(answer(incoming, url, call.signal)))
        outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer within ${call.silenceMs / 1000} s`)))
        outgoing.on('error', (error) => reject(connectionError(url, error, call.signal)))
        outgoing.end(call.body)
      }),
  }
}

const answer = (incoming: IncomingMessage, url: string, signal: AbortSignal): HttpAnswer => {
  incoming.setEncoding('utf8')
  const chunks = async function* (): AsyncGenerator<string> {
    try {
      for await (const chunk of incoming) yield String(chunk)
    } catch (error) {
      throw connectionError(url, error, signal)
    }
  }
  return {
    status: incoming.statusCode ?? 0,
    header(name) {
      const value = incoming.headers[name]
      return Array.isArray(value) ? value.join(', ') : value
    },
    async text() {
      let text = ''
      for await (const chunk of chunks()) {
        text += chunk
        if (text.length > MAX_ANSWER_BYTES) throw new CliError('answer-too-large', `${url} sends more than 256 MiB`)
      }
      return text
    },
    async *lines() {
      let rest = ''
      for await (const chunk of chunks()) {
        const parts = (rest + chunk).split('\n')
        rest = parts.pop() ?? ''
        yield* parts
      }
      if (rest !== '') yield rest
    },
  }
}

/** What a broken connection means to a person. Exit code 3. */
const connectionError = (url: string, error: unknown, signal: AbortSignal): CliError => {
  if (signal.aborted) return interrupted()
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: `mcpd does not answer at ${url}`,
    ENOTFOUND: `the host of ${url} is not known`,
    EAI_AGAIN: `the host of ${url} cannot be looked up now`,
    ECONNRESET: `the connection to mcpd at ${url} broke`,
  }
  const text = messageOf(error)
  return new CliError('unreachable', known[code] ?? `mcpd at ${url} cannot be reached: ${text || code}`, {
    hint: 'Start it with "mcpctl up", or say where it is with --server or MCPCTL_SERVER',
    exit: exitCode.unreachable,
    cause: error,
  })
}
