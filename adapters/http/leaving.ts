import type { ServerResponse } from 'node:http'

/**
 * Aborts when the client of an answer that stays open has left, or when mcpd ends. It listens to the response: a request
 * is "closed" as soon as it was read.
 */
export const leaves = (response: ServerResponse, ending: AbortSignal): AbortSignal => {
  const left = new AbortController()
  const leave = (): void => left.abort()
  ending.addEventListener('abort', leave, { once: true })
  response.on('close', () => {
    ending.removeEventListener('abort', leave)
    leave()
  })
  if (ending.aborted) leave()
  return left.signal
}
