import { describe, expect, it } from 'vitest'
import type { Position, RecordedEvent } from '../../domain/kernel/event.ts'
import type { ReadAllOptions } from '../../domain/kernel/event-log.ts'
import { abortingReadsContract } from './aborting-reads.ts'
import { collect, freshStream, numbers, type Subject, sampleEvents } from './log-under-test.ts'

/** Other programs may write to the same server: events that are not of these streams are left out. */
const only = (events: readonly RecordedEvent[], ...streams: string[]): RecordedEvent[] =>
  events.filter((event) => streams.includes(event.stream))

const since = (head: Position | undefined): ReadAllOptions => (head === undefined ? {} : { after: head })

export const readingAllContract = (subject: Subject): void => {
  describe('reading the whole log', () => {
    it('yields the events of all streams in the order of their positions', async () => {
      const { log } = subject()
      const [one, two] = [freshStream(), freshStream('other')]
      const before = await log.head()
      await log.append(one, sampleEvents(2), 'none')
      await log.append(two, sampleEvents(2, 2), 'none')
      await log.append(one, sampleEvents(1, 4), 1n)

      const all = await collect(log.readAll(since(before)))
      const own = only(all, one, two)
      expect(numbers(own)).toEqual([0, 1, 2, 3, 4])
      expect(own.map((event) => event.revision)).toEqual([0n, 1n, 0n, 1n, 2n])
      const positions = all.map((event) => event.position)
      expect(positions).toEqual(positions.toSorted((a, b) => (a < b ? -1 : 1)))
      expect(new Set(positions).size).toBe(positions.length)
    })

    it('yields the same event by its stream and by its position', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = await log.head()
      await log.append(stream, sampleEvents(3), 'none')
      expect(only(await collect(log.readAll(since(before))), stream)).toEqual(await collect(log.readStream(stream)))
    })

    it('begins right after the position it is given', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(5), 'none')
      const second = (await collect(log.readStream(stream)))[1]?.position ?? 0n
      expect(numbers(only(await collect(log.readAll({ after: second })), stream))).toEqual([2, 3, 4])
    })

    it('goes backwards from the end, and from right before a position', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(5), 'none')
      const read = await collect(log.readStream(stream))

      const newest: RecordedEvent[] = []
      for await (const event of log.readAll({ direction: 'backwards' })) {
        if (event.stream === stream) newest.push(event)
        if (newest.length === 5) break
      }
      expect(newest).toEqual(read.toReversed())

      const earlier = await collect(log.readAll({ direction: 'backwards', after: read[3]?.position ?? 0n, limit: 3 }))
      expect(earlier[0]?.position).toBeLessThan(read[3]?.position ?? 0n)
      expect(only(earlier, stream).map((event) => event.revision)[0]).toBe(2n)
    })

    it('stops at its limit', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = await log.head()
      await log.append(stream, sampleEvents(5), 'none')
      expect(await collect(log.readAll({ ...since(before), limit: 3 }))).toHaveLength(3)
      expect(await collect(log.readAll({ ...since(before), limit: 0 }))).toEqual([])
    })

    it('yields nothing after the newest event that is not newer', async () => {
      const { log } = subject()
      const stream = freshStream()
      const { position } = await log.append(stream, sampleEvents(2), 'none')
      const after = await collect(log.readAll({ after: position }))
      expect(only(after, stream)).toEqual([])
    })

    it('knows its head: the position of the newest event', async () => {
      const { log } = subject()
      const stream = freshStream()
      const first = await log.append(stream, sampleEvents(1), 'none')
      expect(await log.head()).toBeGreaterThanOrEqual(first.position)
      const second = await log.append(stream, sampleEvents(2), 0n)
      expect(second.position).toBeGreaterThan(first.position)
      expect(await log.head()).toBeGreaterThanOrEqual(second.position)
    })

    abortingReadsContract(async (count) => {
      const { log } = subject()
      const before = await log.head()
      await log.append(freshStream(), sampleEvents(count), 'none')
      return (options) => log.readAll({ ...since(before), ...options })
    })
  })
}
