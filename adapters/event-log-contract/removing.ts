import { describe, expect, it, vi } from 'vitest'
import { appendEach, collect, freshStream, numbers, type Subject, sampleEvents } from './log-under-test.ts'

export const removingContract = (subject: Subject): void => {
  describe('retention', () => {
    it('keeps the newest maxCount events and goes on counting', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.setRetention(stream, { maxCount: 3 })
      await appendEach(log, stream, sampleEvents(10))
      const read = await collect(log.readStream(stream))
      expect(numbers(read)).toEqual([7, 8, 9])
      expect(read.map((event) => event.revision)).toEqual([7n, 8n, 9n])
      expect(await log.revisionOf(stream)).toBe(9n)
    })

    it('reaches what was there before it was set, in both directions and from any revision', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(6), 'none')
      await log.setRetention(stream, { maxCount: 2 })
      expect(numbers(await collect(log.readStream(stream)))).toEqual([4, 5])
      expect(numbers(await collect(log.readStream(stream, { from: 1n })))).toEqual([4, 5])
      expect(numbers(await collect(log.readStream(stream, { from: 1n, limit: 1 })))).toEqual([4])
      expect(numbers(await collect(log.readStream(stream, { direction: 'backwards' })))).toEqual([5, 4])
      expect(numbers(await collect(log.readStream(stream, { direction: 'backwards', from: 3n })))).toEqual([])
    })

    it('is replaced as a whole when it is set again', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.setRetention(stream, { maxAgeSeconds: 1 })
      await log.setRetention(stream, { maxCount: 4 })
      await appendEach(log, stream, sampleEvents(6))
      expect(numbers(await collect(log.readStream(stream)))).toEqual([2, 3, 4, 5])
    })

    it('hides events older than maxAgeSeconds; the revision stays', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(3), 'none')
      await log.setRetention(stream, { maxAgeSeconds: 2 })
      await vi.waitFor(async () => expect(await collect(log.readStream(stream))).toEqual([]), {
        timeout: 10_000,
        interval: 100,
      })
      expect(await log.revisionOf(stream)).toBe(2n)
      await log.append(stream, sampleEvents(1, 3), 2n)
      expect(numbers(await collect(log.readStream(stream)))).toEqual([3])
    })

    it('leaves other streams alone', async () => {
      const { log } = subject()
      const [short, long] = [freshStream(), freshStream()]
      await log.setRetention(short, { maxCount: 1 })
      await Promise.all([short, long].map((stream) => appendEach(log, stream, sampleEvents(4))))
      expect(numbers(await collect(log.readStream(short)))).toEqual([3])
      expect(numbers(await collect(log.readStream(long)))).toEqual([0, 1, 2, 3])
    })

    it('still takes a repeat of the newest append as a repeat', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.setRetention(stream, { maxCount: 1 })
      await appendEach(log, stream, sampleEvents(3))
      const newest = sampleEvents(1, 3)
      const answer = await log.append(stream, newest, 2n)
      expect(await log.append(stream, newest, 2n)).toEqual(answer)
      expect(await log.revisionOf(stream)).toBe(3n)
    })
  })

  describe('deleting a stream', () => {
    it('hides its events, and lets an append go on with its revisions', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(3), 'none')
      await log.deleteStream(stream)
      expect(await collect(log.readStream(stream))).toEqual([])
      expect(await collect(log.readStream(stream, { direction: 'backwards' }))).toEqual([])
      expect(await log.revisionOf(stream)).toBe(2n)

      const { revision } = await log.append(stream, sampleEvents(2, 3), 2n)
      expect(revision).toBe(4n)
      const read = await collect(log.readStream(stream))
      expect(numbers(read)).toEqual([3, 4])
      expect(read.map((event) => event.revision)).toEqual([3n, 4n])
    })

    it('can be done again and again, also after it came back', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(1), 'none')
      await log.deleteStream(stream)
      await log.deleteStream(stream)
      await log.append(stream, sampleEvents(1, 1), 0n)
      await log.deleteStream(stream)
      expect(await collect(log.readStream(stream))).toEqual([])
      await log.append(stream, sampleEvents(1, 2), 1n)
      expect(numbers(await collect(log.readStream(stream)))).toEqual([2])
    })

    it('has no effect on a stream that is missing', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.deleteStream(stream)
      expect(await log.revisionOf(stream)).toBe('none')
      await log.append(stream, sampleEvents(1), 'none')
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0])
    })

    it('leaves the retention that was set', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.setRetention(stream, { maxCount: 2 })
      await log.append(stream, sampleEvents(3), 'none')
      await log.deleteStream(stream)
      await appendEach(log, stream, sampleEvents(4, 3), 2n)
      expect(numbers(await collect(log.readStream(stream)))).toEqual([5, 6])
    })
  })

  describe('a tombstone', () => {
    const tombstoned = { code: 'stream-tombstoned' }

    it('ends a stream for good: nothing can be read or appended', async () => {
      const { log } = subject()
      const stream = freshStream()
      const batch = sampleEvents(3)
      await log.append(stream, batch, 'none')
      await log.tombstone(stream)
      expect(await collect(log.readStream(stream))).toEqual([])
      expect(await collect(log.readStream(stream, { direction: 'backwards' }))).toEqual([])
      expect(await log.revisionOf(stream)).toBe('none')
      await expect(log.append(stream, sampleEvents(1), 2n)).rejects.toMatchObject(tombstoned)
      await expect(log.append(stream, sampleEvents(1), 'none')).rejects.toMatchObject(tombstoned)
      await expect(log.append(stream, batch, 'none')).rejects.toMatchObject(tombstoned)
    })

    it('has no further effect when it is repeated, or when the stream is deleted after it', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(1), 'none')
      await log.tombstone(stream)
      await log.tombstone(stream)
      await log.deleteStream(stream)
      await expect(log.append(stream, sampleEvents(1), 'none')).rejects.toMatchObject(tombstoned)
    })

    it('can be set on a stream that never was, or that was deleted', async () => {
      const { log } = subject()
      const [missing, deleted] = [freshStream(), freshStream()]
      await log.tombstone(missing)
      await expect(log.append(missing, sampleEvents(1), 'none')).rejects.toMatchObject(tombstoned)
      await log.append(deleted, sampleEvents(1), 'none')
      await log.deleteStream(deleted)
      await log.tombstone(deleted)
      await expect(log.append(deleted, sampleEvents(1), 0n)).rejects.toMatchObject(tombstoned)
    })

    it('leaves readAll and subscriptions working across what is gone', async () => {
      const { log } = subject()
      const [gone, kept] = [freshStream(), freshStream()]
      const before = await log.head()
      await log.append(kept, sampleEvents(1), 'none')
      await log.append(gone, sampleEvents(2), 'none')
      await log.append(kept, sampleEvents(1, 1), 0n)
      await log.tombstone(gone)
      const all = await collect(log.readAll(before === undefined ? {} : { after: before }))
      expect(numbers(all.filter((event) => event.stream === kept))).toEqual([0, 1])
    })
  })
}
