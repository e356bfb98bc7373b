import { describe, expect, it } from 'vitest'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { collect, freshStream, type LogUnderTest, type Subject, sampleEvents } from './log-under-test.ts'

export const closingContract = (subject: Subject, open: () => Promise<LogUnderTest>): void => {
  describe('closing', () => {
    /** Runs `use` with a client of its own, since it will be closed. */
    const withOwn = async (use: (log: EventLog) => Promise<void>): Promise<void> => {
      const reopen = subject().reopen
      if (reopen !== undefined) return use(await reopen())
      const own = await open()
      try {
        await use(own.log)
      } finally {
        await own.close()
      }
    }

    it('can be repeated, and at once', () =>
      withOwn(async (log) => {
        await Promise.all([log.close(), log.close()])
        await log.close()
      }))

    it('ends its subscriptions by returning', () =>
      withOwn(async (log) => {
        const iteration = log
          .subscribe({ after: 'start', signal: new AbortController().signal })
          [Symbol.asyncIterator]()
        await log.append(freshStream(), sampleEvents(1), 'none')
        expect((await iteration.next()).done).not.toBe(true)
        const drained = (async () => {
          while ((await iteration.next()).done !== true);
        })()
        await log.close()
        await drained
      }))

    it('waits for the appends under way', () =>
      withOwn(async (log) => {
        const stream = freshStream()
        const appending = log.append(stream, sampleEvents(3), 'none')
        await log.close()
        expect((await appending).revision).toBe(2n)
        if (subject().reopen !== undefined) expect(await collect(subject().log.readStream(stream))).toHaveLength(3)
      }))

    it('makes later calls fail with log-unavailable', () =>
      withOwn(async (log) => {
        await log.close()
        await expect(log.append(freshStream(), sampleEvents(1), 'none')).rejects.toMatchObject({
          code: 'log-unavailable',
        })
        await expect(log.ping()).rejects.toMatchObject({ code: 'log-unavailable' })
        await expect(collect(log.readStream(freshStream()))).rejects.toMatchObject({ code: 'log-unavailable' })
      }))
  })
}
