import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'

/** The events of one session, so that a client can have those that it missed. */
export const keptEvents = (): EventStore => {
  const events: { readonly stream: string; readonly message: JSONRPCMessage }[] = []
  const at = (id: string): number => Number(id)
  return {
    async storeEvent(stream, message) {
      events.push({ stream, message })
      return String(events.length - 1)
    },
    getStreamIdForEventId: async (id) => events[at(id)]?.stream,
    async replayEventsAfter(lastId, { send }) {
      const stream = events[at(lastId)]?.stream
      if (stream === undefined) throw new Error(`there is no event ${lastId}`)
      for (const [index, event] of events.entries()) {
        // A message without content only primes the stream.
        const isMissed = index > at(lastId) && event.stream === stream && Object.keys(event.message).length > 0
        if (isMissed) await send(String(index), event.message)
      }
      return stream
    },
  }
}
