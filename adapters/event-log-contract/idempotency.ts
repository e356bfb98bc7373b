import { describe, expect, it } from 'vitest'
import { collect, freshStream, numbers, type Subject, sampleEvent, sampleEvents } from './log-under-test.ts'

export const idempotencyContract = (subject: Subject): void => {
  describe('repeating an append', () => {
    it('has one effect and answers the same', async () => {
      const { log } = subject()
      const stream = freshStream()
      const [first, batch] = [sampleEvents(1), sampleEvents(3, 1)]
      const created = await log.append(stream, first, 'none')
      const appended = await log.append(stream, batch, 0n)

      expect(await log.append(stream, batch, 0n)).toEqual(appended)
      expect(await log.append(stream, first, 'none')).toEqual(created)
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1, 2, 3])
    })

    it('has one effect although others have appended since', async () => {
      const { log } = subject()
      const stream = freshStream()
      const batch = sampleEvents(2)
      const appended = await log.append(stream, batch, 'none')
      await log.append(stream, sampleEvents(2, 2), 1n)

      expect(await log.append(stream, batch, 'none')).toEqual(appended)
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1, 2, 3])
    })

    it('has one effect when both are under way at once', async () => {
      const { log } = subject()
      const stream = freshStream()
      const batch = sampleEvents(2)
      const answers = await Promise.all([log.append(stream, batch, 'none'), log.append(stream, batch, 'none')])
      expect(answers[0]).toEqual(answers[1])
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1])
    })

    it('has one effect when it is repeated by another client, as after a restart', async (context) => {
      const { log, reopen } = subject()
      if (reopen === undefined) return context.skip('this log cannot be opened twice')
      const stream = freshStream()
      const batch = sampleEvents(2)
      const appended = await log.append(stream, batch, 'none')
      await log.append(stream, sampleEvents(1, 2), 1n)

      const again = await reopen()
      try {
        expect(await again.append(stream, batch, 'none')).toEqual(appended)
        expect(numbers(await collect(again.readStream(stream)))).toEqual([0, 1, 2])
      } finally {
        await again.close()
      }
    })

    it('is a conflict when only a part of the events is the same', async () => {
      const { log } = subject()
      const stream = freshStream()
      const batch = sampleEvents(2)
      await log.append(stream, batch, 'none')
      await expect(log.append(stream, [...batch, sampleEvent()], 'none')).rejects.toMatchObject({
        code: 'wrong-expected-revision',
      })
      await expect(log.append(stream, [...batch.slice(0, 1), sampleEvent()], 'none')).rejects.toMatchObject({
        code: 'wrong-expected-revision',
      })
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1])
    })

    it('goes by the ids: other data under the same ids is a repeat, and is not written', async () => {
      const { log } = subject()
      const stream = freshStream()
      const batch = sampleEvents(2)
      const appended = await log.append(stream, batch, 'none')
      const changed = batch.map((event) => ({ ...event, data: { n: 'other' } }))
      expect(await log.append(stream, changed, 'none')).toEqual(appended)
      expect(numbers(await collect(log.readStream(stream)))).toEqual([0, 1])
    })

    it('goes by the stream: the same ids in another stream are other events', async () => {
      const { log } = subject()
      const [one, two] = [freshStream(), freshStream()]
      const batch = sampleEvents(2)
      await log.append(one, batch, 'none')
      await log.append(two, batch, 'none')
      expect(numbers(await collect(log.readStream(two)))).toEqual([0, 1])
    })
  })
}
