import { parentPort, workerData } from 'node:worker_threads'
import { serveProjector } from '../../adapters/postgres/projector-thread.ts'
import type { ThreadData } from '../../adapters/postgres/thread-messages.ts'
import { catalog } from '../../domain/catalog.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import { openLog } from './open-log.ts'

// The composition root of the projector's thread. It opens the log by itself: objects do not cross threads.
if (parentPort === null) throw new Error('this module is the entry of a worker thread')
const data: ThreadData = workerData
const log = await openLog(data.log, { readOnly: true })
try {
  await serveProjector({ port: parentPort, data, log, registry: createRegistry(kinds), catalog })
} finally {
  await log.close()
  parentPort.close()
}
