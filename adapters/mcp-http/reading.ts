import type { Readable } from 'node:stream'
import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { HttpFailure, silent, tooLarge } from './failures.ts'
import type { HttpAnswer } from './http-client.ts'
import { type HttpLimits, MAX_REFUSAL } from './limits.ts'

/**
 * Reads a body as text.
 * @throws HttpFailure when it is longer than `maxBytes`, or silent for longer than `silenceMs`
 */
export const readText = async (
  body: Readable,
  { maxBytes, silenceMs }: { readonly maxBytes: number; readonly silenceMs: number },
): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  const timer = setTimeout(() => body.destroy(new HttpFailure(silent(silenceMs))), silenceMs)
  try {
    for await (const chunk of body) {
      timer.refresh()
      bytes += chunk.length
      if (bytes > maxBytes) throw new HttpFailure(tooLarge(maxBytes))
      chunks.push(chunk)
    }
  } finally {
    clearTimeout(timer)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

/** Reads what nobody wants to know, so that its connection can be used again; what is too long or too slow is cut off. */
export const skip = async ({ body, mediaType }: HttpAnswer, { goodbyeMs }: HttpLimits): Promise<void> => {
  if (mediaType === 'text/event-stream') return
  try {
    await readText(body, { maxBytes: MAX_REFUSAL, silenceMs: goodbyeMs })
  } catch {
    // The server has taken the message; the connection is thrown away.
  }
}

export interface EventListeners {
  readonly onEvent: (event: EventSourceMessage) => void
  /** The server says how long to wait before opening the stream again, in milliseconds. */
  readonly onRetry: (ms: number) => void
}

/**
 * Reads a stream of events to its end; an event that it breaks off in is left out.
 * @throws HttpFailure when one is longer than `maxBytes`; what the stream fails with
 */
export const readEvents = async (
  body: Readable,
  maxBytes: number,
  { onEvent, onRetry }: EventListeners,
): Promise<void> => {
  let overflow = false
  const parser = createParser({
    onEvent,
    onRetry,
    maxBufferSize: maxBytes,
    onError: ({ type }) => {
      overflow ||= type === 'max-buffer-size-exceeded' // other fields than those of the standard are ignored, as it says
    },
  })
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    parser.feed(decoder.decode(chunk, { stream: true }))
    if (overflow) throw new HttpFailure(tooLarge(maxBytes))
  }
}
