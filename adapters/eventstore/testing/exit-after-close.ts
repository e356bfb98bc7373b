import { openEventStoreLog } from '../eventstore-log.ts'
import { newEvents, newStream } from './events.ts'

/** A program that uses a log and closes it. It must come to its end by itself: nothing may keep it alive. */
const log = await openEventStoreLog({ connectionString: process.argv[2] ?? '' })
const stream = newStream()
await log.append(stream, newEvents(3), 'none')
for await (const _ of log.readStream(stream)) break
for await (const _ of log.subscribe({ after: 'start', signal: new AbortController().signal })) break
const subscription = log.subscribe({ after: 'end', signal: new AbortController().signal })[Symbol.asyncIterator]()
const waiting = subscription.next()
await log.ping()
await log.close()
const { done } = await waiting
process.stdout.write(`closed ${done}`)
