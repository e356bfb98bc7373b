import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { CodedError } from '../../domain/kernel/errors.ts'
import { isObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { type LinkDialer, MAX_LINK_FRAME } from '../../domain/mcp/link.ts'
import { mcpdUnavailable } from './errors.ts'
import { WebSocketLink } from './websocket-link.ts'

export interface WebSocketDialerOptions {
  /** mcpd's URL, `http://127.0.0.1:3100`. */
  readonly server: string
  readonly logger?: Logger
  /** Sent with the upgrade, beside the bearer. */
  readonly headers?: Readonly<Record<string, string>>
  /** How often the peer is asked whether it is there; if it has not answered by the next time, the link is lost. */
  readonly pingMs?: number
}

const PING_MS = 20_000
const MAX_PROBLEM_BYTES = 64 * 1024

/** Links over WebSocket to mcpd's `GET /api/v1/projects/<name>/link`, each with the bearer of its client. */
export const webSocketDialer = ({
  server,
  logger,
  headers = {},
  pingMs = PING_MS,
}: WebSocketDialerOptions): LinkDialer => ({
  dial: (project, bearer, { signal }) =>
    new Promise((resolve, reject) => {
      const at = new URL(`/api/v1/projects/${encodeURIComponent(project)}/link`, server)
      const socket = new WebSocket(at, {
        headers: { ...headers, Authorization: `Bearer ${bearer}` },
        perMessageDeflate: false,
        maxPayload: MAX_LINK_FRAME,
        followRedirects: false,
      })
      const abort = () => {
        reject(mcpdUnavailable(`no answer from ${at.host}`))
        socket.terminate()
      }
      const settled = () => signal.removeEventListener('abort', abort)
      // Stays for as long as the socket does: once the link is open, 'close' follows, and says what there is to say.
      socket.on('error', (error) => {
        logger?.debug({ err: error, host: at.host }, 'link connection failed')
        settled()
        reject(mcpdUnavailable(reasonOf(error, at.host)))
      })
      socket.once('unexpected-response', (_request, response) => {
        void problemOf(response, at.host).then((problem) => {
          settled()
          reject(problem)
          socket.terminate()
        })
      })
      socket.once('open', () => {
        settled()
        resolve(new WebSocketLink(socket, pingMs))
      })
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort, { once: true })
    }),
})

const reasonOf = (error: Error, host: string): string => {
  const code = 'code' in error ? error.code : undefined
  return code === 'ECONNREFUSED' ? `nothing listens on ${host}` : error.message || String(code)
}

/** mcpd's own words for why there is no link, where the answer is a problem document; never throws. */
const problemOf = async (response: IncomingMessage, host: string): Promise<CodedError> => {
  const status = response.statusCode ?? 0
  const problem = await readJson(response)
  const word = (key: string) => {
    const value = isObject(problem) ? problem[key] : undefined
    return typeof value === 'string' ? value : undefined
  }
  const code = word('code') ?? codes.get(status)
  const hint = word('hint')
  const retryAfter = Number(response.headers['retry-after'])
  if (code === undefined || status >= 500)
    return mcpdUnavailable(word('detail') ?? `${host} answered with status ${status}`)
  return new CodedError(code, status, word('detail') ?? word('title') ?? `mcpd answered with status ${status}`, {
    ...(hint === undefined ? {} : { hint }),
    ...(retryAfter > 0 ? { retryAfter } : {}),
  })
}

const codes = new Map([
  [401, 'unauthenticated'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [429, 'too-many-requests'],
])

const readJson = async (response: IncomingMessage): Promise<unknown> => {
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MAX_PROBLEM_BYTES) break
    }
    return JSON.parse(text)
  } catch {
    return undefined // no problem document: the status has to do
  }
}
