import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { describe, expect, it, onTestFinished } from 'vitest'
import { appendEach, collect, freshStream, numbers, sampleEvents } from '../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from './embedded-log.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

/** A thread that runs a TypeScript file; Node's option for it (`--import tsx`) does not reach into workers. */
const thread = (program: string, workerData: unknown): Worker => {
  const file = JSON.stringify(new URL(`./testing/${program}`, import.meta.url).href)
  const worker = new Worker(`import('tsx/esm/api').then((tsx) => { tsx.register(); return import(${file}) })`, {
    eval: true,
    workerData,
  })
  onTestFinished(async () => {
    await worker.terminate()
  })
  return worker
}

describe('one folder in several threads', { timeout: 60_000 }, () => {
  it('lets a worker follow and read what the main thread appends', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    const stream = freshStream()
    await log.append(stream, sampleEvents(300), 'none')
    const worker = thread('follow.ts', { folder, stream, count: 2500 })
    expect(await once(worker, 'message')).toEqual(['ready'])
    const answer = once(worker, 'message')
    await appendEach(log, stream, sampleEvents(200, 300), 299n)
    await Promise.all([
      appendEach(log, freshStream(), sampleEvents(500)),
      (async () => {
        for (let n = 500; n < 2500; n += 100) await log.append(stream, sampleEvents(100, n), BigInt(n - 1))
      })(),
    ])
    const all = Array.from({ length: 2500 }, (_, n) => n)
    expect(await answer).toEqual([{ seen: all, read: all }])
    await log.close()
  })

  it('decides conflicts between threads that append to one stream', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    const stream = freshStream()
    const racers = [0, 1, 2]
    await Promise.all(racers.map((racer) => once(thread('race.ts', { folder, stream, racer, count: 100 }), 'message')))
    const read = await collect(log.readStream(stream))
    expect(read.map((event) => event.revision)).toEqual(read.map((_, index) => BigInt(index)))
    for (const racer of racers) {
      const own = numbers(read).filter((n) => String(n).startsWith(`${racer}/`))
      expect(own).toEqual(Array.from({ length: 100 }, (_, n) => `${racer}/${n}`))
    }
    await log.close()
  })
})
