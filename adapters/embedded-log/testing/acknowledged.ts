import { expect } from 'vitest'
import type { RecordedEvent } from '../../../domain/kernel/event.ts'
import type { EventLog } from '../../../domain/kernel/event-log.ts'
import { collect, numbers, sampleEvents } from '../../event-log-contract/log-under-test.ts'
import { KEPT_BEATS } from './kept-beats.ts'

/** What a program that was killed had been told is durable. */
export class Acknowledged {
  /** Stream → its last revision that was acknowledged. */
  readonly #last = new Map<string, number>()
  readonly #ended = new Set<string>()

  get count(): number {
    return this.#last.size
  }

  /** Takes in the lines that `append-forever.ts` wrote; the last one may have been cut off. */
  add(output: string): void {
    for (const line of output.split('\n').slice(0, -1)) {
      const [what, stream = '', revision] = line.split(' ')
      this.#last.set(stream, Number(revision))
      if (what === 'ended') this.#ended.add(stream)
    }
  }

  /** Expects that all of it is there, each event once, and that every way to read the log tells the same. */
  async expectIn(log: EventLog): Promise<void> {
    const all = await collect(log.readAll())
    expect(new Set(all.map((event) => event.id)).size).toBe(all.length)
    const positions = all.map((event) => event.position)
    expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => (a < b ? -1 : 1)))
    expect((await log.head()) ?? -1n).toBe(positions.at(-1) ?? -1n)
    for (const stream of new Set([...all.map((event) => event.stream), ...this.#last.keys()])) {
      const stored = all.filter((event) => event.stream === stream)
      if (this.#ended.has(stream)) await expectEnded(log, stream)
      else await expectWhole(log, stream, stored, this.#last.get(stream) ?? -1)
    }
  }
}

const expectEnded = async (log: EventLog, stream: string): Promise<void> => {
  expect(await collect(log.readStream(stream))).toEqual([])
  await expect(log.append(stream, sampleEvents(1), 'none')).rejects.toMatchObject({ code: 'stream-tombstoned' })
}

/** @param stored what the whole log says of the stream; it may also have what the stream hides */
const expectWhole = async (
  log: EventLog,
  stream: string,
  stored: readonly RecordedEvent[],
  acknowledged: number,
): Promise<void> => {
  const read = await collect(log.readStream(stream))
  const backwards = await collect(log.readStream(stream, { direction: 'backwards' }))
  expect(backwards).toEqual(read.toReversed())
  const last = await log.revisionOf(stream)
  // A stream that was tombstoned when the program died, and that nobody was told of.
  if (last === 'none') return expectEnded(log, stream)
  expect(Number(last)).toBeGreaterThanOrEqual(acknowledged)
  const first = stream.startsWith('beat-') ? Math.max(0, Number(last) - KEPT_BEATS + 1) : 0
  const revisions = Array.from({ length: Number(last) - first + 1 }, (_, index) => first + index)
  expect(read.map((event) => Number(event.revision))).toEqual(revisions)
  expect(numbers(read)).toEqual(revisions)
  expect(stored.slice(-read.length)).toEqual(read)
}
