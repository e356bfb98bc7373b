import type { JsonObject } from '../../domain/kernel/json.ts'
import { BEARER } from './fake-mcpd.ts'

/** One event as it came. */
export interface RawEvent {
  readonly id?: string
  readonly event?: string
  readonly retry?: string
  readonly data?: string
}

/** A stream of events that a test reads as it comes. */
export interface RawStream {
  readonly status: number
  /** All that has come. */
  text(): string
  events(): RawEvent[]
  messages(): JsonObject[]
  /** The id of the last event that had one. */
  lastId(): string
  isOpen(): boolean
  /** Breaks the connection. */
  close(): void
}

/** Listens with GET. */
export const readStream = async (url: URL, headers: Record<string, string>): Promise<RawStream> => {
  const stop = new AbortController()
  const all = { Authorization: `Bearer ${BEARER}`, Accept: 'text/event-stream', ...headers }
  return readResponse(await fetch(url, { headers: all, signal: stop.signal }), stop)
}

/** Reads an answer that is a stream. */
export const readResponse = (response: Response, stop = new AbortController()): RawStream => {
  let text = ''
  let isOpen = true
  const reading = (async () => {
    for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString()
  })()
  reading
    .catch(() => {})
    .finally(() => {
      isOpen = false
    })
  const events = (): RawEvent[] =>
    text
      .split('\n\n')
      .slice(0, -1)
      .map((block) => Object.fromEntries(block.split('\n').flatMap(field)))
      .filter((event) => Object.keys(event).length > 0)
  return {
    status: response.status,
    text: () => text,
    events,
    messages: () => events().flatMap(({ data = '' }) => (data === '' ? [] : [JSON.parse(data)])),
    lastId: () => events().findLast(({ id }) => id !== undefined)?.id ?? '',
    isOpen: () => isOpen,
    close: () => stop.abort(),
  }
}

const field = (line: string): [string, string][] => {
  const colon = line.indexOf(':')
  return colon <= 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1).trimStart()]]
}
