import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import streams from '@eventstore/db-client/generated/streams_pb.js'
import { type ServerWritableStream, status } from '@grpc/grpc-js'
import type { WireFaults } from './wire-faults.ts'
import { eventMessage, failure, notFoundMessage, streamDeleted, streamName } from './wire-messages.ts'
import type { StoredEvent, WireStore } from './wire-store.ts'

type Call = ServerWritableStream<ReadReq, ReadResp>
type Filter = (event: StoredEvent) => boolean

/** How far a live subscriber may fall behind before it is cut off, in events. */
const LIVE_BUFFER = 64

/** Writes, and waits until there is room again. False once the caller has gone. */
const send = async (call: Call, message: ReadResp): Promise<boolean> => {
  if (call.cancelled || call.destroyed) return false
  if (call.write(message)) return true
  await new Promise<void>((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'cancelled', 'error']) call.removeListener(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'cancelled', 'error']) call.once(event, done)
  })
  return !call.cancelled && !call.destroyed
}

const filterOf = (options: ReadReq.Options): Filter => {
  const filter = options.getFilter()
  if (filter === undefined) return () => true
  const byStream = filter.getStreamIdentifier()
  const expression = byStream ?? filter.getEventType()
  const subject = (event: StoredEvent): string => (byStream === undefined ? event.type : event.stream)
  const prefixes = expression?.getPrefixList() ?? []
  if (prefixes.length > 0) return (event) => prefixes.some((prefix) => subject(event).startsWith(prefix))
  const regex = new RegExp(expression?.getRegex() ?? '')
  return (event) => regex.test(subject(event))
}

const readStream = async (store: WireStore, call: Call, options: ReadReq.Options): Promise<void> => {
  const from = options.getStream()
  const stream = streamName(from?.getStreamIdentifier())
  const backwards = options.getReadDirection() === 1
  const result = store.read(stream, from?.hasRevision() === true ? BigInt(from.getRevision()) : undefined, backwards)
  if (result.outcome === 'tombstoned') return void call.emit('error', streamDeleted(stream))
  if (result.outcome === 'events') {
    const count = Number(options.getCount())
    for (const event of result.events.slice(0, count)) if (!(await send(call, eventMessage(event)))) return
  } else await send(call, notFoundMessage(stream))
  call.end()
}

/** A position lies before its record: reading forwards from it gives that record, backwards the one before. */
const readAll = async (store: WireStore, call: Call, options: ReadReq.Options): Promise<void> => {
  const from = options.getAll()
  const position = from?.getPosition()
  const at = position === undefined ? undefined : BigInt(position.getCommitPosition())
  const backwards = options.getReadDirection() === 1
  const matches = filterOf(options)
  const events = store.log.filter(matches)
  const chosen = backwards
    ? events.filter((event) => at === undefined || event.position < at).toReversed()
    : events.filter((event) => at === undefined || event.position >= at)
  for (const event of chosen.slice(0, Number(options.getCount()))) if (!(await send(call, eventMessage(event)))) return
  call.end()
}

/** Where a subscription begins in the log: exclusive, unlike a read. */
const startOf = (store: WireStore, options: ReadReq.Options): number => {
  const all = options.getAll()
  const stream = options.getStream()
  if (all?.hasEnd() === true || stream?.hasEnd() === true) return store.log.length
  const position = all?.getPosition()
  if (position === undefined) return 0
  const after = BigInt(position.getCommitPosition())
  const index = store.log.findIndex((event) => event.position > after)
  return index < 0 ? store.log.length : index
}

const confirmation = (): ReadResp => {
  const confirmed = new streams.ReadResp.SubscriptionConfirmation()
  confirmed.setSubscriptionId(crypto.randomUUID())
  return new streams.ReadResp().setConfirmation(confirmed)
}

const checkpointAt = (position: bigint): ReadResp => {
  const checkpoint = new streams.ReadResp.Checkpoint()
  checkpoint.setCommitPosition(position.toString())
  checkpoint.setPreparePosition(position.toString())
  return new streams.ReadResp().setCheckpoint(checkpoint)
}

/** How many events lie between two checkpoints: the interval times the server's page of 32. */
const checkpointEvery = (options: ReadReq.Options): number =>
  32 * (options.getFilter()?.getCheckpointintervalmultiplier() ?? Number.POSITIVE_INFINITY)

const subscribe = async (store: WireStore, call: Call, options: ReadReq.Options): Promise<void> => {
  const stream = options.getStream()
  const only = stream === undefined ? undefined : streamName(stream.getStreamIdentifier())
  const after = stream?.hasRevision() === true ? BigInt(stream.getRevision()) : -1n
  const matches = filterOf(options)
  const wanted: Filter = (event) =>
    only === undefined ? matches(event) : event.stream === only && event.revision > after
  let next = startOf(store, options)
  let considered = 0
  let live = false
  let tooSlow = false
  let sending = false
  let arrived: () => void = () => undefined
  const onWrite = (): void => {
    if (live && sending && store.log.length - next > LIVE_BUFFER) tooSlow = true
    arrived()
  }
  const unwatch = store.watch(onWrite)
  for (const event of ['close', 'cancelled', 'error']) call.once(event, () => arrived())
  const deliver = async (message: ReadResp): Promise<boolean> => {
    sending = true
    const sent = await send(call, message)
    sending = false
    return sent
  }
  try {
    if (!(await deliver(confirmation()))) return
    while (!call.cancelled && !call.destroyed) {
      if (tooSlow) {
        const details =
          'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.'
        return void call.emit('error', failure(status.ABORTED, details))
      }
      const event = store.log[next]
      if (event === undefined) {
        if (!live && !(await deliver(new streams.ReadResp().setCaughtUp(new streams.ReadResp.CaughtUp())))) return
        live = true
        if (store.log[next] === undefined) await new Promise<void>((resolve) => (arrived = resolve))
        continue
      }
      next += 1
      considered += 1
      if (wanted(event) && !(await deliver(eventMessage(event)))) return
      if (considered % checkpointEvery(options) === 0 && !(await deliver(checkpointAt(event.position)))) return
    }
  } finally {
    unwatch()
  }
}

const subscribeCounted =
  (faults: WireFaults) =>
  async (store: WireStore, call: Call, options: ReadReq.Options): Promise<void> => {
    faults.subscribers += 1
    try {
      await subscribe(store, call, options)
    } finally {
      faults.subscribers -= 1
    }
  }

export const readHandler =
  (store: WireStore, faults: WireFaults) =>
  (call: Call): void => {
    call.on('error', () => undefined)
    const options = call.request.getOptions()
    if (options === undefined) return void call.emit('error', failure(status.INVALID_ARGUMENT, 'no options'))
    const operation = options.hasSubscription() ? 'subscribe' : 'read'
    const stream = options.hasAll() ? '$all' : streamName(options.getStream()?.getStreamIdentifier())
    faults.seen(operation, call, stream, options.getFilter()?.getEventType()?.getRegex())
    const refused = faults.refusal(operation, call)
    if (refused !== undefined) return void call.emit('error', refused)
    if (faults.swallows(operation)) return
    const serve = operation === 'subscribe' ? subscribeCounted(faults) : options.hasAll() ? readAll : readStream
    serve(store, call, options).catch((error: unknown) => call.emit('error', failure(status.INTERNAL, String(error))))
  }
