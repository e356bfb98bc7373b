import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import { collect } from './log-under-test.ts'

type Read = (options: { readonly signal: AbortSignal; readonly limit?: number }) => AsyncIterable<RecordedEvent>

/** What any read does with its signal. `filled` writes so many events, and answers a read of them. */
export const abortingReadsContract = (filled: (count: number) => Promise<Read>): void => {
  it('throws when its signal is aborted, so that a part never looks like the whole', async () => {
    const read = await filled(1000)
    const stop = new AbortController()
    let seen = 0
    const reading = async (): Promise<void> => {
      for await (const _ of read({ signal: stop.signal })) {
        seen += 1
        stop.abort(new Error('enough'))
      }
    }
    await expect(reading()).rejects.toThrow('enough')
    expect(seen).toBe(1)
  })

  it('reads nothing when its signal is aborted already, and leaves no listener on one that is not', async () => {
    const read = await filled(3)
    const aborted = AbortSignal.abort(new Error('too late'))
    await expect(collect(read({ signal: aborted }))).rejects.toThrow('too late')
    const { signal } = new AbortController()
    expect((await collect(read({ signal }))).length).toBeGreaterThanOrEqual(3)
    expect(await collect(read({ limit: 2, signal }))).toHaveLength(2)
    for await (const _ of read({ signal })) break
    await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([])
  })
}
