import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { isError } from '../../domain/kernel/errors.ts'
import type { EventLog, ExpectedRevision } from '../../domain/kernel/event-log.ts'
import { wrongExpectedRevision } from '../../domain/kernel/log-errors.ts'
import {
  appendEach,
  collect,
  freshStream,
  numbers,
  type Subject,
  sampleEvent,
  sampleEvents,
  sampleMetadata,
} from './log-under-test.ts'

/** Appends one event, and on a conflict again at the revision that the log says, until it is in. */
const appendInRace = async (log: EventLog, stream: string, n: string): Promise<void> => {
  const event = sampleEvent({ n })
  let expected: ExpectedRevision = await log.revisionOf(stream)
  for (;;) {
    try {
      await log.append(stream, [event], expected)
      return
    } catch (error) {
      if (!isError(error, wrongExpectedRevision)) throw error
      const { actual } = error.details
      expected = actual === 'none' ? 'none' : BigInt(String(actual))
    }
  }
}

export const appendingContract = (subject: Subject): void => {
  describe('appending', () => {
    it('gives every field back as it was given', async () => {
      const { log } = subject()
      const stream = freshStream()
      const rich = sampleEvent({
        text: 'Zażółć gęślą jaźń – 日本語 – 👩🏽‍🚀 – \u0000\u001f "quoted" \\ \u2028',
        lone: '\ud83d',
        nested: { list: [1, -2.5, 1e300, true, false, null, [], {}, [{ deep: ['x'] }]] },
        empty: '',
        '': 'an empty key',
        ['__proto__']: { polluted: true },
        constructor: 'own',
      })
      const traced = {
        ...rich,
        metadata: {
          ...sampleMetadata,
          requestHash: 'f'.repeat(64),
          traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
        },
      }
      const { revision, position } = await log.append(stream, [traced], 'none')

      const read = await collect(log.readStream(stream))
      expect(read).toEqual([{ ...traced, stream, revision, position }])
      expect(revision).toBe(0n)
      expect(Object.keys(read[0]?.data ?? {})).toContain('__proto__')
    })

    it('numbers the events of a stream from 0 without gaps, over several appends', async () => {
      const { log } = subject()
      const stream = freshStream()
      const first = await log.append(stream, sampleEvents(3), 'none')
      const second = await log.append(stream, sampleEvents(2, 3), first.revision)

      expect([first.revision, second.revision]).toEqual([2n, 4n])
      const read = await collect(log.readStream(stream))
      expect(read.map((event) => event.revision)).toEqual([0n, 1n, 2n, 3n, 4n])
      expect(numbers(read)).toEqual([0, 1, 2, 3, 4])
    })

    it("answers the position of the append's last event", async () => {
      const { log } = subject()
      const stream = freshStream()
      const { position } = await log.append(stream, sampleEvents(3), 'none')
      const read = await collect(log.readStream(stream))
      expect(read.at(-1)?.position).toBe(position)
    })

    it('gives later events higher positions', async () => {
      const { log } = subject()
      const one = freshStream()
      const two = freshStream()
      await log.append(one, sampleEvents(2), 'none')
      await log.append(two, sampleEvents(2), 'none')
      await log.append(one, sampleEvents(2), 1n)
      const [a, b] = [await collect(log.readStream(one)), await collect(log.readStream(two))]
      const inOrder = [...a.slice(0, 2), ...b, ...a.slice(2)].map((event) => event.position)
      for (const [index, position] of inOrder.slice(1).entries()) expect(position).toBeGreaterThan(inOrder[index] ?? 0n)
    })

    it.each([
      ['a revision where there is no stream', 0, 0n, 'none'],
      ["'none' where there is a stream", 2, 'none', '1'],
      ['a revision that has passed', 3, 0n, '2'],
      ['a revision that has not come', 1, 5n, '0'],
    ] as const)('refuses %s, and says the actual revision', async (_, existing, expected, actual) => {
      const { log } = subject()
      const stream = freshStream()
      if (existing > 0) await log.append(stream, sampleEvents(existing), 'none')

      await expect(log.append(stream, sampleEvents(1), expected)).rejects.toMatchObject({
        code: 'wrong-expected-revision',
        details: { actual, stream },
      })
      expect(await collect(log.readStream(stream))).toHaveLength(existing)
    })

    it('writes nothing of a batch that meets a conflict', async () => {
      const { log } = subject()
      const stream = freshStream()
      await log.append(stream, sampleEvents(1), 'none')
      await expect(log.append(stream, sampleEvents(3, 10), 'none')).rejects.toMatchObject({
        code: 'wrong-expected-revision',
      })
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0])
    })

    it('loses and doubles nothing when 16 race on one stream, from two clients', async () => {
      const { log, reopen } = subject()
      const stream = freshStream()
      const racers = Array.from({ length: 16 }, (_, racer) => racer)
      const other = await reopen?.()
      await Promise.all(
        racers.map(async (racer) => {
          const client = racer % 2 === 0 ? log : (other ?? log)
          for (const round of [0, 1, 2]) await appendInRace(client, stream, `${racer}/${round}`)
        }),
      )
      await other?.close()
      const read = await collect(log.readStream(stream))
      expect(read.map((event) => event.revision)).toEqual(read.map((_, index) => BigInt(index)))
      const wanted = racers.flatMap((racer) => [0, 1, 2].map((round) => `${racer}/${round}`))
      expect(numbers(read).toSorted()).toEqual(wanted.toSorted())
      for (const racer of racers) {
        const own = numbers(read).filter((n) => String(n).startsWith(`${racer}/`))
        expect(own).toEqual([`${racer}/0`, `${racer}/1`, `${racer}/2`])
      }
    })

    it('lets appends to different streams go on side by side', async () => {
      const { log } = subject()
      const streams = Array.from({ length: 32 }, () => freshStream())
      await Promise.all(streams.map((stream) => appendEach(log, stream, sampleEvents(4))))
      for (const stream of streams) expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1, 2, 3])
    })

    it('writes nothing when its signal is aborted already', async () => {
      const { log } = subject()
      const stream = freshStream()
      const signal = AbortSignal.abort(new Error('too late'))
      await expect(log.append(stream, sampleEvents(1), 'none', { signal })).rejects.toThrow('too late')
      expect(await log.revisionOf(stream)).toBe('none')
    })

    it('stops waiting when its signal is aborted, writes all or nothing, and can be repeated with one effect', async () => {
      const { log } = subject()
      for (let round = 0; round < 5; round += 1) {
        const stream = freshStream()
        const batch = sampleEvents(3)
        const stop = new AbortController()
        const appending = log.append(stream, batch, 'none', { signal: stop.signal })
        stop.abort(new Error('nobody waits any more'))
        await expect(appending).rejects.toThrow('nobody waits any more')
        expect((await log.append(stream, batch, 'none')).revision).toBe(2n)
        expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1, 2])
      }
    })

    it('leaves no listener on its signal', async () => {
      const { log } = subject()
      const stream = freshStream()
      const { signal } = new AbortController()
      await log.append(stream, sampleEvents(1), 'none', { signal })
      await expect(log.append(stream, sampleEvents(1), 'none', { signal })).rejects.toThrow()
      expect(getEventListeners(signal, 'abort')).toEqual([])
    })

    it('gives positions that grow for each append, also across what was deleted and a new client', async () => {
      const { log, reopen } = subject()
      const positions: bigint[] = []
      for (const remove of [undefined, 'deleteStream', 'tombstone'] as const) {
        const [kept, removed] = [freshStream(), freshStream()]
        for (const stream of [kept, removed])
          positions.push((await log.append(stream, sampleEvents(2), 'none')).position)
        if (remove !== undefined) await log[remove](removed)
        const other = await reopen?.()
        positions.push((await (other ?? log).append(kept, sampleEvents(1, 2), 1n)).position)
        await other?.close()
      }
      for (const [index, position] of positions.slice(1).entries())
        expect(position).toBeGreaterThan(positions[index] ?? 0n)
    })
  })
}
