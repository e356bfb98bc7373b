import { McpFailure, refusalOf } from './failure.ts'

/** Most of an answer that is read for what it says. */
const MAX_TEXT_BYTES = 64 * 1024

/**
 * `fetch` for the SDK's transports. A POST without success is thrown as the failure that its body says; the SDK would make one text of
 * status and body. An answer's stream that breaks is told to `onBroken`: the SDK would wait for the answer until its deadline.
 */
export const watchedFetch =
  (onBroken: (failure: McpFailure) => void): typeof fetch =>
  async (input, init) => {
    const response = await fetch(input, init)
    if (init?.method !== 'POST') return response
    const isRedirect = response.status >= 300 && response.status < 400
    if (!response.ok && !isRedirect) throw refusalOf(response.status, await bodyStart(response))
    const isStream = response.headers.get('content-type')?.includes('text/event-stream') === true
    if (!isStream || response.body === null) return response
    const { status, headers } = response
    return new Response(watched(response.body, onBroken), { status, headers })
  }

/** A stream whose events have ids can be taken up again, and the SDK does so. */
const watched = (
  body: ReadableStream<Uint8Array>,
  onBroken: (failure: McpFailure) => void,
): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  let isResumable = false
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        isResumable ||= /^id:/m.test(Buffer.from(value).toString('latin1'))
        controller.enqueue(value)
      } catch (error) {
        controller.error(error)
        if (!isResumable) onBroken(new McpFailure('unreachable', 'the connection broke before it answered'))
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

/** The first 64 KiB of an answer. */
export const bodyStart = async (response: Response): Promise<string> => {
  const reader = response.body?.getReader()
  const chunks: Uint8Array[] = []
  for (let bytes = 0; reader !== undefined && bytes < MAX_TEXT_BYTES; ) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    bytes += value.length
  }
  await reader?.cancel()
  return Buffer.concat(chunks).toString('utf8')
}
