import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { appendEach, collect, numbers, sampleEvent, sampleEvents } from '../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from './embedded-log.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

/** What is still stored of a stream: the whole log does not hide what a stream hides. */
const stored = async (log: EventLog, stream: string): Promise<unknown[]> =>
  numbers((await collect(log.readAll())).filter((event) => event.stream === stream))

describe('compaction of an embedded log', { timeout: 30_000 }, () => {
  it('removes the events of a tombstoned stream, and readers step over the hole', async () => {
    const log = await openEmbeddedLog({ folder: await temporaryFolder() })
    await log.append('kept-1', sampleEvents(1), 'none')
    await appendEach(log, 'gone-1', sampleEvents(5))
    for (let n = 5; n < 1205; n += 200) await log.append('gone-1', sampleEvents(200, n), BigInt(n - 1))
    await log.append('kept-1', sampleEvents(1, 1), 0n)
    await log.append('gone-1', sampleEvents(1, 1205), 1204n)
    await log.tombstone('gone-1')

    await expect.poll(() => stored(log, 'gone-1'), { timeout: 10_000 }).toEqual([])
    expect(await stored(log, 'kept-1')).toEqual([0, 1])
    expect(numbers(await collect(log.readAll({ direction: 'backwards' })))).toEqual([1, 0])
    const stop = new AbortController()
    const followed: unknown[] = []
    for await (const batch of log.subscribe({ after: 'start', signal: stop.signal, maxBatch: 1 })) {
      followed.push(...numbers(batch))
      if (followed.length === 2) await log.append('kept-1', sampleEvents(1, 2), 1n)
      if (followed.length === 3) stop.abort()
    }
    expect(followed).toEqual([0, 1, 2])
    await log.close()
  })

  it('goes on with a removal that a stop has interrupted', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    for (let n = 0; n < 2000; n += 500)
      await log.append('gone-1', sampleEvents(500, n), n === 0 ? 'none' : BigInt(n - 1))
    await Promise.all([log.tombstone('gone-1'), log.close()])

    const again = await openEmbeddedLog({ folder })
    await expect.poll(() => stored(again, 'gone-1'), { timeout: 10_000 }).toEqual([])
    await again.close()
  })

  it('removes what a soft delete hid, and keeps what came after', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    await log.append('thing-1', sampleEvents(700), 'none')
    await log.deleteStream('thing-1')
    await log.append('thing-1', sampleEvents(2, 700), 699n)
    await expect.poll(() => stored(log, 'thing-1'), { timeout: 10_000 }).toEqual([700, 701])
    await log.close()

    const again = await openEmbeddedLog({ folder })
    expect(numbers(await collect(again.readStream('thing-1')))).toEqual([700, 701])
    expect(await again.revisionOf('thing-1')).toBe(701n)
    await again.close()
  })

  it('knows the revision of a deleted stream of which nothing is left, after a restart too', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    await log.append('thing-1', sampleEvents(3), 'none')
    await log.deleteStream('thing-1')
    await expect.poll(() => stored(log, 'thing-1'), { timeout: 10_000 }).toEqual([])
    await log.close()

    const again = await openEmbeddedLog({ folder })
    expect(await again.revisionOf('thing-1')).toBe(2n)
    expect((await again.append('thing-1', sampleEvents(1, 3), 2n)).revision).toBe(3n)
    await again.close()
  })

  it('keeps a stream with maxCount small on the disk while it grows, across the writes of the index', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    await log.setRetention('beat-1', { maxCount: 10 })
    let last = -1n
    for (let n = 0; n < 3000; n += 20) {
      const { revision } = await log.append('beat-1', sampleEvents(20, n), last < 0n ? 'none' : last)
      last = revision
    }
    const left = await stored(log, 'beat-1')
    expect(left.length).toBeLessThan(100)
    const newest = Array.from({ length: 10 }, (_, n) => 2990 + n)
    expect(left.slice(-10)).toEqual(newest)
    await log.close()

    const again = await openEmbeddedLog({ folder })
    expect(numbers(await collect(again.readStream('beat-1')))).toEqual(newest)
    expect(await again.revisionOf('beat-1')).toBe(2999n)
    await again.close()
  })

  it('removes what is too old as the stream goes on', async () => {
    let now = Date.parse('2026-01-01T00:00:00Z')
    const log = await openEmbeddedLog({ folder: await temporaryFolder(), clock: () => new Date(now) })
    await log.setRetention('beat-1', { maxAgeSeconds: 60 })
    await log.append('beat-1', sampleEvents(40), 'none')
    now += 61_000
    expect(await collect(log.readStream('beat-1'))).toEqual([])
    await log.append('beat-1', sampleEvents(40, 40), 39n)
    const newest = Array.from({ length: 40 }, (_, n) => 40 + n)
    expect(await stored(log, 'beat-1')).toEqual(newest)
    expect(numbers(await collect(log.readStream('beat-1')))).toEqual(newest)
    await log.close()
  })

  it('does not bring back what was trimmed when more is kept later', async () => {
    const log = await openEmbeddedLog({ folder: await temporaryFolder() })
    await log.setRetention('beat-1', { maxCount: 1 })
    await appendEach(log, 'beat-1', sampleEvents(70))
    await log.setRetention('beat-1', { maxCount: 1000 })
    await appendEach(log, 'beat-1', sampleEvents(2, 70), 69n)
    const read = numbers(await collect(log.readStream('beat-1')))
    expect(read.slice(-3)).toEqual([69, 70, 71])
    expect(read).toEqual(await stored(log, 'beat-1'))
    await log.close()
  })

  it('finds every event and every repeat across many writes of the index and a restart', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    const streams = ['a-1', 'a-2', 'b-1', 'b-10', 'b-100']
    const early = sampleEvent({ n: 0 })
    for (const stream of streams) await log.append(stream, [early], 'none')
    await Promise.all(streams.map((stream) => appendEach(log, stream, sampleEvents(799, 1), 0n)))
    await log.close()

    const again = await openEmbeddedLog({ folder })
    const all = Array.from({ length: 800 }, (_, n) => n)
    for (const stream of streams) {
      expect(numbers(await collect(again.readStream(stream)))).toEqual(all)
      expect(numbers(await collect(again.readStream(stream, { direction: 'backwards' })))).toEqual(all.toReversed())
      expect(numbers(await collect(again.readStream(stream, { from: 517n, limit: 300 })))).toEqual(all.slice(517))
      const [first] = await collect(again.readStream(stream, { limit: 1 }))
      expect(await again.append(stream, [early], 'none')).toEqual({ revision: 0n, position: first?.position })
    }
    await again.close()
  })

  it('misses nothing when it is read in the middle of appends, across the writes of the index', async () => {
    const log = await openEmbeddedLog({ folder: await temporaryFolder() })
    let appending = true
    const reading = (async () => {
      for (let last = -1n; appending; ) {
        const revision = await log.revisionOf('a-1')
        expect(revision === 'none' ? -1n : revision).toBeGreaterThanOrEqual(last)
        last = revision === 'none' ? -1n : revision
        const newest = await collect(log.readStream('a-1', { direction: 'backwards', limit: 5 }))
        expect(newest).toHaveLength(Math.min(5, Number(newest[0]?.revision ?? -1n) + 1))
        await nextTurn()
      }
    })()
    for (let n = 0; n < 4900; n += 7) await log.append('a-1', sampleEvents(7, n), n === 0 ? 'none' : BigInt(n - 1))
    appending = false
    await reading
    expect(numbers(await collect(log.readStream('a-1')))).toEqual(Array.from({ length: 4900 }, (_, n) => n))
    await log.close()
  })
})
