import { getEventListeners } from 'node:events'
import { describe, expect, it, vi } from 'vitest'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import type { EventLog, SubscribeOptions } from '../../domain/kernel/event-log.ts'
import { appendEach, collect, freshStream, numbers, type Subject, sampleEvent, sampleEvents } from './log-under-test.ts'

/** A subscription that runs beside the test and keeps what it was given. */
const follow = (log: EventLog, options: Omit<SubscribeOptions, 'signal'>, streams: readonly string[]) => {
  const stop = new AbortController()
  const seen: RecordedEvent[] = []
  const batches: number[] = []
  const run = async (): Promise<void> => {
    for await (const batch of log.subscribe({ ...options, signal: stop.signal })) {
      batches.push(batch.length)
      for (const event of batch) if (streams.includes(event.stream)) seen.push(event)
    }
  }
  const ended = run()
  ended.catch(() => undefined)
  return {
    seen,
    batches,
    /** Waits until that many events have come, ends the subscription, and returns what came. */
    async take(count: number): Promise<RecordedEvent[]> {
      try {
        await vi.waitFor(() => expect(seen.length).toBeGreaterThanOrEqual(count), { timeout: 20_000, interval: 10 })
      } finally {
        stop.abort()
        await ended
      }
      return seen
    },
    async end(): Promise<void> {
      stop.abort()
      await ended
    },
  }
}

const expectGrowing = (events: readonly RecordedEvent[]): void => {
  let last = -1n
  for (const { position } of events) {
    expect(position).toBeGreaterThan(last)
    last = position
  }
}

export const subscribingContract = (subject: Subject): void => {
  describe('subscribing', () => {
    it('delivers what is there and then what comes', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = (await log.head()) ?? 'start'
      await log.append(stream, sampleEvents(3), 'none')
      const following = follow(log, { after: before }, [stream])
      await vi.waitFor(() => expect(following.seen).toHaveLength(3), { timeout: 10_000, interval: 10 })
      await log.append(stream, sampleEvents(2, 3), 2n)
      const seen = await following.take(5)
      expect(seen).toEqual(await collect(log.readStream(stream)))
    })

    it('begins at the very start', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(2), 'none')
      const first = (await collect(log.readAll({ limit: 1 })))[0]
      const stop = new AbortController()
      for await (const batch of log.subscribe({ after: 'start', signal: stop.signal })) {
        expect(batch[0]).toEqual(first)
        break
      }
      stop.abort()
    })

    it('begins right after a position', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(4), 'none')
      const after = (await collect(log.readStream(stream)))[1]?.position ?? 0n
      expect(numbers(await follow(log, { after }, [stream]).take(2))).toEqual([2, 3])
    })

    it('begins right after a position whose event is gone', async () => {
      const { log } = subject()
      const [gone, kept] = [freshStream(), freshStream()]
      const { position } = await log.append(gone, sampleEvents(2), 'none')
      await log.append(kept, sampleEvents(2), 'none')
      await log.tombstone(gone)
      expect(numbers(await follow(log, { after: position }, [gone, kept]).take(2))).toEqual([0, 1])
    })

    it('begins at the end: only what comes', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, [sampleEvent({ n: 'old' })], 'none')
      const following = follow(log, { after: 'end' }, [stream])
      let n = 0
      // Nobody is told when a subscription has reached the server: append until something comes.
      await vi.waitFor(
        async () => {
          await log.append(stream, sampleEvents(1, n), BigInt(n))
          n += 1
          expect(following.seen.length).toBeGreaterThan(0)
        },
        { timeout: 15_000, interval: 20 },
      )
      await log.append(stream, [sampleEvent({ n: 'last' })], BigInt(n))
      await vi.waitFor(() => expect(following.seen.at(-1)?.data.n).toBe('last'), { timeout: 10_000, interval: 10 })
      await following.end()
      const seen = numbers(following.seen)
      expect(seen).not.toContain('old')
      expect(seen).toEqual([...Array.from({ length: n }, (_, i) => i), 'last'].slice(-seen.length))
    })

    it('loses, doubles and reorders nothing while appends go on at full speed', async () => {
      const { log } = subject()
      const streams = Array.from({ length: 8 }, () => freshStream())
      const before = (await log.head()) ?? 'start'
      const following = follow(log, { after: before }, streams)
      await Promise.all(streams.map((stream) => appendEach(log, stream, sampleEvents(100))))
      const seen = await following.take(800)
      expectGrowing(seen)
      for (const stream of streams) {
        expect(numbers(seen.filter((event) => event.stream === stream))).toEqual(
          Array.from({ length: 100 }, (_, n) => n),
        )
      }
    })

    it('joins catching up and live without a seam, wherever it begins', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = (await log.head()) ?? 'start'
      await log.append(stream, sampleEvents(200), 'none')
      const appending = appendEach(log, stream, sampleEvents(300, 200), 199n)
      const starts = Array.from({ length: 5 }, () => follow(log, { after: before, maxBatch: 50 }, [stream]))
      await appending
      for (const following of starts) {
        expect(numbers(await following.take(500))).toEqual(Array.from({ length: 500 }, (_, n) => n))
      }
    })

    it('gives no batch that is empty or larger than asked', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = (await log.head()) ?? 'start'
      await log.append(stream, sampleEvents(35), 'none')
      const following = follow(log, { after: before, maxBatch: 10 }, [stream])
      await following.take(35)
      expect(Math.max(...following.batches)).toBeLessThanOrEqual(10)
      expect(Math.min(...following.batches)).toBeGreaterThanOrEqual(1)
    })

    it('waits for a slow consumer and then delivers all it missed', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = (await log.head()) ?? 'start'
      await log.append(stream, sampleEvents(1), 'none')
      const stop = new AbortController()
      const seen: RecordedEvent[] = []
      for await (const batch of log.subscribe({ after: before, signal: stop.signal, maxBatch: 20 })) {
        // The consumer is busy while far more is appended than a batch, a buffer or a socket holds.
        if (seen.length === 0) {
          for (let n = 1; n < 2001; n += 200) {
            const bulk = sampleEvents(200, n).map((event) => ({
              ...event,
              data: { ...event.data, pad: 'x'.repeat(1000) },
            }))
            await log.append(stream, bulk, BigInt(n - 1))
          }
        }
        seen.push(...batch.filter((event) => event.stream === stream))
        if (seen.length >= 2001) break
      }
      stop.abort()
      expect(numbers(seen)).toEqual(Array.from({ length: 2001 }, (_, n) => n))
    })

    it('returns, and does not throw, when its signal is aborted while it waits', async () => {
      const { log } = subject()
      const stop = new AbortController()
      const iteration = log.subscribe({ after: 'end', signal: stop.signal })[Symbol.asyncIterator]()
      const next = iteration.next()
      stop.abort()
      // A batch of somebody else may have been on its way.
      const first = await next
      const last = first.done === true ? first : await iteration.next()
      expect(last).toEqual({ done: true, value: undefined })
    })

    it('returns at once when its signal is aborted already', async () => {
      const { log } = subject()
      expect(await collect(log.subscribe({ after: 'start', signal: AbortSignal.abort() }))).toEqual([])
    })

    it('leaves no listener on its signal, however it ends', async () => {
      const { log } = subject()
      await log.append(freshStream(), sampleEvents(1), 'none')
      const left = new AbortController().signal
      for await (const _ of log.subscribe({ after: 'start', signal: left })) break
      const stop = new AbortController()
      for await (const _ of log.subscribe({ after: 'start', signal: stop.signal })) stop.abort()
      for (const signal of [left, stop.signal]) await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([])
    })

    it('hands over nothing more once it is aborted between two batches', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = (await log.head()) ?? 'start'
      await log.append(stream, sampleEvents(30), 'none')
      const stop = new AbortController()
      let batches = 0
      for await (const _ of log.subscribe({ after: before, signal: stop.signal, maxBatch: 1 })) {
        batches += 1
        stop.abort()
      }
      expect(batches).toBe(1)
    })

    it('serves several subscriptions at once, each its own way', async () => {
      const { log } = subject()
      const stream = freshStream()
      const before = (await log.head()) ?? 'start'
      const followers = [1, 7, 500].map((maxBatch) => follow(log, { after: before, maxBatch }, [stream]))
      await log.append(stream, sampleEvents(40), 'none')
      for (const following of followers) expect(await following.take(40)).toHaveLength(40)
    })

    it('delivers what another client appends', async (context) => {
      const { log, reopen } = subject()
      if (reopen === undefined) return context.skip('this log cannot be opened twice')
      const stream = freshStream()
      const other = await reopen()
      try {
        const following = follow(other, { after: (await log.head()) ?? 'start' }, [stream])
        await appendEach(log, stream, sampleEvents(5))
        expect(numbers(await following.take(5))).toEqual([0, 1, 2, 3, 4])
      } finally {
        await other.close()
      }
    })
  })
}
