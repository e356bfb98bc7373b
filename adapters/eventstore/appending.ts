import type { AppendResult, EventData, EventStoreDBClient } from '@eventstore/db-client'
import { NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client'
import type { Position, Revision } from '../../domain/kernel/event.ts'
import type { Appended, ExpectedRevision } from '../../domain/kernel/event-log.ts'
import {
  eventTooLarge,
  logUnavailable,
  streamTombstoned,
  wrongExpectedRevision,
} from '../../domain/kernel/log-errors.ts'
import type { SerialisedEvent } from '../../domain/kernel/validate-append.ts'
import { type AttemptOptions, persistently } from './attempts.ts'
import type { Clients } from './clients.ts'
import { isTombstoned, isTooLarge } from './failures.ts'
import { positionOf, type Resolved } from './recorded.ts'

export interface AppendContext {
  readonly clients: Clients
  readonly attempts: Omit<AttemptOptions, 'signals'>
  /** Revision of a stream's last event, hidden ones included. */
  revisionOf(stream: string): Promise<ExpectedRevision>
  /** One event of a stream, unless retention or deletion hides it. */
  eventAt(stream: string, revision: Revision): Promise<Resolved | undefined>
  /** Position of the newest event. */
  head(): Promise<Position | undefined>
}

/** What a stream was found at instead of what was expected, or undefined when that is not what failed. */
export const actualRevision = (error: unknown): ExpectedRevision | undefined => {
  if (!(error instanceof WrongExpectedVersionError)) return undefined
  const { actualVersion } = error
  return typeof actualVersion === 'bigint' && actualVersion >= 0n ? actualVersion : 'none'
}

/** One append request of the client. The deadline is the server's: on our side there is none, and none that one could rely on. */
export const appendOnce = (
  client: EventStoreDBClient,
  stream: string,
  events: EventData[],
  expected: ExpectedRevision,
  deadline: number,
): Promise<AppendResult> =>
  client.appendToStream(stream, events, {
    expectedRevision: expected === 'none' ? NO_STREAM : expected,
    requiresLeader: true,
    deadline,
  })

const toClientEvent = ({ event }: SerialisedEvent): EventData => ({
  id: event.id,
  type: event.type,
  contentType: 'application/json',
  data: event.data,
  metadata: { ...event.metadata },
})

/**
 * See EventLog.append. An answer that is lost is asked for again with the same ids and the same expected revision,
 * which the server takes as one append, also after it was restarted in between.
 */
export const append = async (
  context: AppendContext,
  stream: string,
  events: readonly SerialisedEvent[],
  expected: ExpectedRevision,
  signals: readonly AbortSignal[],
): Promise<Appended> => {
  const { clients, attempts } = context
  const toAppend = events.map(toClientEvent)
  let result: AppendResult
  try {
    result = await persistently(clients, { ...attempts, signals }, (client, attemptMs) =>
      appendOnce(client, stream, toAppend, expected, attemptMs),
    )
  } catch (error) {
    if (isTombstoned(error)) throw streamTombstoned(stream)
    const actual = actualRevision(error)
    if (actual !== undefined) throw wrongExpectedRevision(stream, expected, actual)
    if (isTooLarge(error)) {
      const bytes = events.reduce((sum, { data, metadata }) => sum + Buffer.byteLength(data + metadata), 0)
      throw eventTooLarge(`an append to ${stream}`, bytes, error.maxAppendSize)
    }
    throw error
  }
  const revision = result.nextExpectedRevision
  return { revision, position: await positionAt(context, stream, revision, result) }
}

/**
 * A repeated append is sometimes answered without its position. Then it is read from the event; and when that is
 * hidden by now, the newest position of the log stands in: whoever waits for it has seen the event, too.
 */
const positionAt = async (
  context: AppendContext,
  stream: string,
  revision: Revision,
  { position }: AppendResult,
): Promise<Position> => {
  if (position !== undefined) return position.commit
  const event = await context.eventAt(stream, revision)
  const found = (event && positionOf(event)) ?? (await context.head())
  if (found === undefined) throw logUnavailable('the server did not say where it stored the events')
  return found
}
