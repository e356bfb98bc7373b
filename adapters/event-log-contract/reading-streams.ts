import { describe, expect, it } from 'vitest'
import { abortingReadsContract } from './aborting-reads.ts'
import { collect, freshStream, numbers, type Subject, sampleEvents } from './log-under-test.ts'

export const readingStreamsContract = (subject: Subject): void => {
  describe('reading a stream', () => {
    const filled = async (count: number): Promise<string> => {
      const stream = freshStream()
      await subject().log.append(stream, sampleEvents(count), 'none')
      return stream
    }

    it('yields nothing when it is missing', async () => {
      const { log } = subject()
      const missing = freshStream()
      expect(await collect(log.readStream(missing))).toEqual([])
      expect(await collect(log.readStream(missing, { direction: 'backwards' }))).toEqual([])
      expect(await collect(log.readStream(missing, { from: 3n }))).toEqual([])
      expect(await log.revisionOf(missing)).toBe('none')
    })

    it("tells the last event's revision", async () => {
      expect(await subject().log.revisionOf(await filled(7))).toBe(6n)
    })

    it.each([
      ['forwards from the first', {}, [0, 1, 2, 3, 4]],
      ['forwards from a revision, that one included', { from: 3n }, [3, 4]],
      ['forwards from beyond the end', { from: 5n }, []],
      ['forwards up to a limit', { from: 1n, limit: 2 }, [1, 2]],
      ['nothing with a limit of 0', { limit: 0 }, []],
      ['backwards from the last', { direction: 'backwards' }, [4, 3, 2, 1, 0]],
      ['backwards from a revision, that one included', { direction: 'backwards', from: 2n }, [2, 1, 0]],
      ['backwards from beyond the end', { direction: 'backwards', from: 99n }, [4, 3, 2, 1, 0]],
      ['backwards up to a limit', { direction: 'backwards', limit: 1 }, [4]],
    ] as const)('yields %s', async (_, options, expected) => {
      const stream = await filled(5)
      expect(numbers(await collect(subject().log.readStream(stream, options)))).toEqual(expected)
    })

    it('yields all of a stream of 1,500 events', async () => {
      const stream = await filled(1500)
      const { log } = subject()
      const all = Array.from({ length: 1500 }, (_, n) => n)
      expect(numbers(await collect(log.readStream(stream)))).toEqual(all)
      expect(numbers(await collect(log.readStream(stream, { direction: 'backwards' })))).toEqual(all.toReversed())
    })

    it('can be left in the middle', async () => {
      const stream = await filled(50)
      const { log } = subject()
      const seen: unknown[] = []
      for await (const event of log.readStream(stream)) {
        seen.push(event.data.n)
        if (seen.length === 3) break
      }
      expect(seen).toEqual([0, 1, 2])
    })

    it('does not mix streams whose names begin alike', async () => {
      const { log } = subject()
      const stream = freshStream()
      for (const [index, name] of [stream, `${stream}-`, `${stream}0`, `${stream}-1`].entries()) {
        await log.append(name, sampleEvents(2, index * 10), 'none')
      }
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1])
      expect(numbers(await collect(log.readStream(`${stream}-`, { direction: 'backwards' })))).toEqual([11, 10])
    })

    abortingReadsContract(async (count) => {
      const stream = await filled(count)
      return (options) => subject().log.readStream(stream, options)
    })

    it('answers a ping with the milliseconds it took', async () => {
      expect(await subject().log.ping()).toBeGreaterThanOrEqual(0)
    })
  })
}
