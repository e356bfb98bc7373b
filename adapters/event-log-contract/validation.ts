import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { NewEvent } from '../../domain/kernel/event.ts'
import { MAX_APPEND_BYTES, MAX_EVENT_BYTES } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { collect, freshStream, type Subject, sampleEvent, sampleEvents, sampleMetadata } from './log-under-test.ts'

/** An event whose data and metadata together have exactly that many bytes of JSON. */
const eventOfBytes = (bytes: number): NewEvent => {
  const room = bytes - JSON.stringify({ pad: '' }).length - JSON.stringify(sampleMetadata).length
  return sampleEvent({ pad: 'x'.repeat(room) })
}

/** What TypeScript would not let through, for a test of what happens when it comes all the same. */
const notJson = (): JsonObject => JSON.parse('{"n":1}', (key, value) => (key === 'n' ? 1n : value))

const circular = (): JsonObject => {
  const data: JsonObject = JSON.parse('{}')
  Object.assign(data, { self: data })
  return data
}

export const validationContract = (subject: Subject): void => {
  describe('what cannot be appended', () => {
    it.each([
      ['no event', () => []],
      ['an empty type', () => [sampleEvent({}, '')]],
      ['a type of spaces', () => [sampleEvent({}, '  ')]],
      ['an id that is no UUID', () => [{ ...sampleEvent(), id: 'one' }]],
      ['an empty id', () => [{ ...sampleEvent(), id: '' }]],
      [
        'two equal ids',
        () => {
          const id = randomUUID()
          return [
            { ...sampleEvent(), id },
            { ...sampleEvent(), id },
          ]
        },
      ],
      ['a BigInt in its data', () => [sampleEvent(notJson())]],
      ['data that refers to itself', () => [sampleEvent(circular())]],
      ['a good event before a bad one', () => [sampleEvent(), sampleEvent({}, '')]],
    ] as const)('refuses %s before anything is written', async (_, events) => {
      const { log } = subject()
      const stream = freshStream()
      await expect(log.append(stream, events(), 'none')).rejects.toMatchObject({ code: 'invalid-event' })
      expect(await log.revisionOf(stream)).toBe('none')
      await log.append(stream, sampleEvents(1), 'none')
    })

    it.each(['', 'nodash', '-noid', '$system-stream', '$$contract-1', 'Upper-x', 'contract-with space', 'contract-'])(
      'refuses the stream name %j',
      async (stream) => {
        await expect(subject().log.append(stream, sampleEvents(1), 'none')).rejects.toMatchObject({
          code: 'invalid-event',
        })
      },
    )

    it('takes a stream name of 250 characters of any script', async () => {
      const { log } = subject()
      const own = freshStream()
      const stream = own + '语'.repeat(250 - own.length + 'contract-'.length)
      await log.append(stream, sampleEvents(1), 'none')
      const read = await collect(log.readStream(stream))
      expect(read.map((event) => event.stream)).toEqual([stream])
    })

    it('takes an event of 512 KiB and refuses one byte more', async () => {
      const { log } = subject()
      const stream = freshStream()
      const largest = eventOfBytes(MAX_EVENT_BYTES)
      await log.append(stream, [largest], 'none')
      await expect(log.append(stream, [eventOfBytes(MAX_EVENT_BYTES + 1)], 0n)).rejects.toMatchObject({
        code: 'event-too-large',
        details: { bytes: MAX_EVENT_BYTES + 1, limit: MAX_EVENT_BYTES },
      })
      const read = await collect(log.readStream(stream))
      expect(read.map((event) => event.data)).toEqual([largest.data])
    })

    it('counts bytes, not characters, of text of any script', async () => {
      const { log } = subject()
      const stream = freshStream()
      const { length } = JSON.stringify({ pad: '' }) + JSON.stringify(sampleMetadata)
      const [room, rest] = [Math.floor((MAX_EVENT_BYTES - length) / 3), (MAX_EVENT_BYTES - length) % 3]
      const pad = '语'.repeat(room) + 'x'.repeat(rest)
      await log.append(stream, [sampleEvent({ pad })], 'none')
      await expect(log.append(stream, [sampleEvent({ pad: `${pad}x` })], 0n)).rejects.toMatchObject({
        code: 'event-too-large',
        details: { bytes: MAX_EVENT_BYTES + 1 },
      })
      expect((await collect(log.readStream(stream))).map((event) => event.data.pad)).toEqual([pad])
    })

    it('takes an append up to its limit as a whole and refuses one byte more', async () => {
      const { log } = subject()
      const stream = freshStream()
      const half = MAX_APPEND_BYTES / 2
      await log.append(stream, [eventOfBytes(half), eventOfBytes(half)], 'none')
      await expect(log.append(stream, [eventOfBytes(half), eventOfBytes(half + 1)], 1n)).rejects.toMatchObject({
        code: 'event-too-large',
      })
      expect(await log.revisionOf(stream)).toBe(1n)
    })
  })
}
