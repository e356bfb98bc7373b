/** A worker thread that appends to a stream others append to as well, again after each conflict. */
import { parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { isError } from '../../../domain/kernel/errors.ts'
import { wrongExpectedRevision } from '../../../domain/kernel/log-errors.ts'
import { sampleEvent } from '../../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from '../embedded-log.ts'

const { folder, stream, racer, count } = z
  .object({ folder: z.string(), stream: z.string(), racer: z.number(), count: z.number() })
  .parse(workerData)

const log = await openEmbeddedLog({ folder })
for (let n = 0; n < count; ) {
  try {
    await log.append(stream, [sampleEvent({ n: `${racer}/${n}` })], await log.revisionOf(stream))
    n += 1
  } catch (error) {
    if (!isError(error, wrongExpectedRevision)) throw error
  }
}
await log.close()
parentPort?.postMessage('done')
