import { existsSync, readdirSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { collect, freshStream, type LogUnderTest, type Subject, sampleEvents } from './log-under-test.ts'

/** Leaves a read and a subscription in the middle, and lets another subscription wait. */
const useInEveryWay = async (log: EventLog): Promise<void> => {
  const stream = freshStream()
  await log.append(stream, sampleEvents(300), 'none')
  await log.setRetention(stream, { maxCount: 200 })
  for await (const _ of log.readStream(stream)) break
  for await (const _ of log.readAll()) break
  const { signal } = new AbortController()
  for await (const _ of log.subscribe({ after: 'start', signal, maxBatch: 1 })) break
  log.subscribe({ after: 'end', signal })[Symbol.asyncIterator]().next().catch(fail)
  await log.tombstone(stream)
  await log.ping()
}

const fail = (error: unknown): never => {
  throw error
}

/** What Node keeps for this process, one word each, and the files and sockets that the system has open for it. */
const openHandles = (): string[] => {
  const passing = new Set(['Immediate', 'TickObject', 'FSReqPromise', 'FSReqCallback'])
  const files = existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').map(() => 'descriptor') : []
  return [...process.getActiveResourcesInfo().filter((resource) => !passing.has(resource)), ...files]
}

/** What there is more of than before. */
const beyond = (now: readonly string[], before: readonly string[]): string[] =>
  [...new Set(now)].filter((kind) => count(now, kind) > count(before, kind))

const count = (all: readonly string[], kind: string): number => all.filter((each) => each === kind).length

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

    it('leaves no socket, timer, stream or file open', async () => {
      const use = (log: EventLog): Promise<void> => useInEveryWay(log).finally(() => log.close())
      // What the first client of a process makes and all later ones share is no leak.
      await withOwn(use)
      const before = openHandles()
      for (let round = 0; round < 3; round += 1) await withOwn(use)
      // No `expect.poll`: it would find its own timers.
      const until = performance.now() + 15_000
      while (beyond(openHandles(), before).length > 0 && performance.now() < until) await nextTurn()
      expect(beyond(openHandles(), before)).toEqual([])
    })

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
