/** Uses a log in every way, closes it, and must then end by itself: nothing may keep the process alive. */
import { sampleEvent } from '../../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from '../embedded-log.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('which folder?')

const log = await openEmbeddedLog({ folder })
await log.append('thing-1', [sampleEvent()], 'none')
await log.setRetention('thing-1', { maxCount: 5 })
const subscription = log.subscribe({ after: 'end', signal: new AbortController().signal })[Symbol.asyncIterator]()
const next = subscription.next()
await log.tombstone('thing-1')
await log.close()
await next
console.log('closed')
