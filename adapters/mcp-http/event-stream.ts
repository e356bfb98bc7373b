import type { Call } from './calls.ts'
import type { HttpAnswer } from './http-client.ts'
import { readEvents } from './reading.ts'
import type { HttpSession } from './session.ts'

/** Where a stream of events has been read to, over all the requests that it was read with. */
export interface Cursor {
  /** For `Last-Event-ID`. */
  lastId?: string
  /** How long the server wants to be left alone before it is asked again, in milliseconds. */
  retryMs?: number
  /** How many events and other signs of life there were. */
  signs: number
}

const MAX_EVENT_ID = 8192

/** An event stream is asked for as it is: packed, its events would come when the packer likes. */
export const ASK_FOR_EVENTS = {
  accept: 'text/event-stream',
  'accept-encoding': 'identity',
  'cache-control': 'no-cache',
}

export const isEventStream = ({ status, mediaType }: HttpAnswer): boolean =>
  status === 200 && mediaType === 'text/event-stream'

/** The header with which a stream goes on after the last event that came. */
export const resumedAt = ({ lastId }: Cursor): Record<string, string> =>
  lastId === undefined ? {} : { 'last-event-id': lastId }

/** Delivers the messages of an event stream in their order, to its end. @throws what it fails with */
export const readMessages = (answer: HttpAnswer, cursor: Cursor, session: HttpSession): Promise<void> =>
  readEvents(answer.body, session.deps.limits.maxMessage, {
    onEvent({ id, event, data }) {
      cursor.signs++
      if (id !== undefined && isSendable(id)) cursor.lastId = id
      // Without data it only says where it stands; other types are not MCP's.
      if (data !== '' && (event === undefined || event === 'message')) session.receive(data)
    },
    onRetry(ms) {
      cursor.signs++
      cursor.retryMs = ms
    },
  })

/**
 * The same for a stream that brings the answer to a call. Servers end it then by themselves, which keeps the connection;
 * one that does not is cut off.
 */
export const readUntilAnswered = async (
  answer: HttpAnswer,
  cursor: Cursor,
  session: HttpSession,
  call: Call,
): Promise<void> => {
  let ended = false
  let timer: ReturnType<typeof setTimeout> | undefined
  void call.settled.then(() => {
    if (!ended) timer = setTimeout(() => answer.body.destroy(), session.deps.limits.lingerMs)
  })
  try {
    await readMessages(answer, cursor, session)
  } catch (error) {
    if (session.calls.isOpen(call)) throw error // else it has brought what it was for
  } finally {
    ended = true
    clearTimeout(timer)
  }
}

const isSendable = (id: string): boolean => id.length <= MAX_EVENT_ID && /^[\x20-\x7e]*$/.test(id)
