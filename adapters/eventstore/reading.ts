import {
  type AllStreamResolvedEvent,
  BACKWARDS,
  END,
  type EventStoreDBClient,
  FORWARDS,
  type ResolvedEvent,
  START,
  type StreamingRead,
} from '@eventstore/db-client'
import type { Position, RecordedEvent, Revision } from '../../domain/kernel/event.ts'
import type { ReadAllOptions, ReadStreamOptions } from '../../domain/kernel/event-log.ts'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import { pause } from '../../domain/kernel/pause.ts'
import { pauseAfter, throwIfAborted } from './backoff.ts'
import type { Clients } from './clients.ts'
import {
  describeFailure,
  isMissing,
  isPassing,
  isTombstoned,
  spoilsClient,
  TimedOut,
  translateFailure,
} from './failures.ts'
import { Inflow } from './inflow.ts'
import { clientPosition, positionOf, type Resolved, toRecorded } from './recorded.ts'

export interface ReadContext {
  readonly clients: Clients
  /** Aborted when the log is closed. */
  readonly closing: AbortSignal
  /** How long a read waits for the next event before it fails, retries included, in ms. The client has no deadline for reads. */
  readonly stallMs: number
}

/** Most events taken from the client's buffer at once. */
const BITE = 64
/** How much the client buffers of one read, in events. */
const BUFFERED = { highWaterMark: 64 }
/** Reads go to the leader, so that what was acknowledged is seen, and a change of leader is noticed. */
const LEADER = { requiresLeader: true }

type Open = (client: EventStoreDBClient, last: Resolved | undefined) => StreamingRead<Resolved>

/** Yields what a read gives. When it breaks off in passing, it is opened again behind the last event. A missing stream is an empty one. */
async function* resuming(context: ReadContext, open: Open, signals: readonly AbortSignal[]): AsyncGenerator<Resolved> {
  const { clients, stallMs } = context
  let last: Resolved | undefined
  let failures = 0
  let reason: unknown
  let waitUntil = performance.now() + stallMs
  for (;;) {
    const lease = clients.lease()
    const read = open(lease.client, last)
    const inflow = new Inflow<Resolved>(read, () => read.cancel())
    try {
      for (;;) {
        const events = await inflow.take({ max: BITE, timeoutMs: waitUntil - performance.now(), signals })
        if (events.length === 0) return
        for (const event of events) {
          last = event
          yield event
          throwIfAborted(signals)
        }
        failures = 0
        reason = undefined
        waitUntil = performance.now() + stallMs
      }
    } catch (error) {
      throwIfAborted(signals)
      if (isMissing(error) || isTombstoned(error)) return
      if (spoilsClient(error)) clients.renew(lease.client)
      if (!isPassing(error)) throw translateFailure(error)
      if (error instanceof TimedOut || performance.now() >= waitUntil)
        // The last attempt's own time says little: it may have had a millisecond left.
        throw logUnavailable(`${describeFailure(reason ?? error)} (tried for ${stallMs / 1000} s)`)
      reason = error
      failures += 1
    } finally {
      // Not awaited: it waits for a connection when there is none yet. The lease is what keeps it owned.
      inflow.stop().then(lease.release, lease.release)
    }
    await pause(Math.min(pauseAfter(failures), waitUntil - performance.now()), ...signals)
  }
}

const signalsOf = (context: ReadContext, signal: AbortSignal | undefined): AbortSignal[] =>
  signal === undefined ? [context.closing] : [signal, context.closing]

/** The raw events of any stream, the server's own included. */
export const readRaw = (
  context: ReadContext,
  stream: string,
  { from, direction = 'forwards', limit, signal }: ReadStreamOptions,
): AsyncGenerator<Resolved> => {
  const forwards = direction === 'forwards'
  const beginning = from ?? (forwards ? START : END)
  const open: Open = (client, last): StreamingRead<ResolvedEvent> => {
    const revision: Revision | undefined = last?.event?.revision
    const fromRevision = revision === undefined ? beginning : forwards ? revision + 1n : revision - 1n
    const maxCount = limit === undefined ? {} : { maxCount: limit }
    return client.readStream(
      stream,
      { ...LEADER, ...maxCount, fromRevision, direction: forwards ? FORWARDS : BACKWARDS },
      BUFFERED,
    )
  }
  return resuming(context, open, signalsOf(context, signal))
}

/** See EventLog.readStream. */
export async function* readStream(
  context: ReadContext,
  stream: string,
  options: ReadStreamOptions,
): AsyncGenerator<RecordedEvent> {
  throwIfAborted(signalsOf(context, options.signal))
  let left = options.limit ?? Number.POSITIVE_INFINITY
  if (left <= 0) return
  for await (const resolved of readRaw(context, stream, options)) {
    const event = toRecorded(resolved)
    if (event === undefined) continue
    yield event
    left -= 1
    if (left <= 0 || (event.revision === 0n && options.direction === 'backwards')) return
  }
}

/** See EventLog.readAll. The server's own events are left out here: this client cannot ask the server to do so. */
export async function* readAll(context: ReadContext, options: ReadAllOptions): AsyncGenerator<RecordedEvent> {
  const { after, direction = 'forwards', limit = Number.POSITIVE_INFINITY, signal } = options
  const forwards = direction === 'forwards'
  throwIfAborted(signalsOf(context, signal))
  let left = limit
  if (left <= 0) return
  let bound: Position | undefined = after
  const open: Open = (client): StreamingRead<AllStreamResolvedEvent> => {
    const fromPosition = bound === undefined ? (forwards ? START : END) : clientPosition(bound)
    return client.readAll({ ...LEADER, fromPosition, direction: forwards ? FORWARDS : BACKWARDS }, BUFFERED)
  }
  for await (const resolved of resuming(context, open, signalsOf(context, signal))) {
    const position = positionOf(resolved)
    // Where a read begins is inclusive forwards, and exclusive backwards.
    if (position === undefined || (bound !== undefined && (forwards ? position <= bound : position >= bound))) continue
    bound = position
    const event = toRecorded(resolved)
    if (event === undefined) continue
    yield event
    left -= 1
    if (left <= 0) return
  }
}
