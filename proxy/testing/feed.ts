import { onTestFinished, vi } from 'vitest'
import type { FeedEvent, TrafficRecord } from '../inspector/feed.ts'
import { BEARER } from './fake-mcpd.ts'
import type { Local } from './local.ts'

/** An open feed, and what has come of it. It is closed with the test. */
export interface OpenFeed {
  readonly response: Response
  readonly events: FeedEvent[]
  readonly isOver: () => boolean
  messages(): TrafficRecord[]
  close(): void
}

/** Opens the feed of the project `demo`; returns once it has said hello, or was refused. */
export const openFeed = async (local: Local, bearer = BEARER): Promise<OpenFeed> => {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const response = await fetch(`${local.local.url}/projects/demo/inspect`, {
    headers: { Authorization: `Bearer ${bearer}`, Accept: 'text/event-stream' },
    signal: stop.signal,
  })
  const events: FeedEvent[] = []
  let over = false
  if (response.ok) {
    void read(response, events)
      .catch(() => {}) // it was closed
      .then(() => {
        over = true
      })
    await vi.waitFor(() => {
      if (!events.some(({ event }) => event === 'project')) throw new Error('no hello yet')
    })
  }
  return {
    response,
    events,
    isOver: () => over,
    messages: () => events.flatMap((each) => (each.event === 'message' ? [each.data] : [])),
    close: () => stop.abort(),
  }
}

const read = async (response: Response, events: FeedEvent[]): Promise<void> => {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
    rest = parts.pop() ?? ''
    for (const part of parts) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/s.exec(part) ?? []
      if (data !== undefined) events.push({ event, data: JSON.parse(data) } as FeedEvent)
    }
  }
}
