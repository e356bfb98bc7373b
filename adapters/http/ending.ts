import type { FastifyInstance } from 'fastify'
import { coded } from '../../domain/kernel/errors.ts'
import type { HttpDeps } from './deps.ts'

/** How long requests that were taken before the end may go on. */
const REQUESTS_MS = 5_000

/** 503: mcpd takes nothing new while it ends. */
export const stopping = coded('stopping', 503, 'mcpd is ending and takes no new requests', () => ({
  message: 'mcpd is stopping',
  hint: 'Try again when it has been started again',
  retryAfter: 2,
}))

/**
 * From the moment the server is told to close: new requests are refused, answers that stay open (a watch, a log that is followed) end,
 * and what was taken before is served to its end, or cut off when that takes too long.
 *
 * @returns aborts when the end begins
 */
export const endInOrder = (app: FastifyInstance): AbortSignal => {
  const ending = new AbortController()
  app.addHook('onRequest', async () => {
    if (ending.signal.aborted) throw stopping()
  })
  app.addHook('preClose', async () => {
    ending.abort()
    const late = setTimeout(() => app.server.closeAllConnections(), REQUESTS_MS)
    app.server.once('close', () => clearTimeout(late))
  })
  return ending.signal
}

/** Closes the WebSockets when the calls on them have ended. For `preClose` of @fastify/websocket. */
export const closeLinks =
  (app: FastifyInstance, { drainLinks, logger }: Pick<HttpDeps, 'drainLinks' | 'logger'>) =>
  (done: () => void): void => {
    const close = (): void => {
      for (const client of app.websocketServer.clients) client.close()
      app.websocketServer.close()
      done()
    }
    drainLinks().then(close, (error: unknown) => {
      logger.error({ err: error }, 'calls under way were not waited for')
      close()
    })
  }
