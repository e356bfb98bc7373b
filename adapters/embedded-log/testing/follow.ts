/** A worker thread that reads the log beside the main thread: tells the `data.n` of a stream's events as they come. */
import { parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { openEmbeddedLog } from '../embedded-log.ts'

const { folder, stream, count } = z
  .object({ folder: z.string(), stream: z.string(), count: z.number() })
  .parse(workerData)

const log = await openEmbeddedLog({ folder, readOnly: true })
const stop = new AbortController()
const seen: unknown[] = []
parentPort?.postMessage('ready')
for await (const batch of log.subscribe({ after: 'start', signal: stop.signal })) {
  for (const event of batch) if (event.stream === stream) seen.push(event.data.n)
  if (seen.length >= count) stop.abort()
}
const read: unknown[] = []
for await (const event of log.readStream(stream)) read.push(event.data.n)
await log.close()
parentPort?.postMessage({ seen, read })
