import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { pause } from './pause.ts'

describe('a pause', () => {
  it('ends by itself, and leaves nothing on its signals', async () => {
    const { signal } = new AbortController()
    await pause(1, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('ends at once when one of its signals is aborted, before or during it', async () => {
    const [stop, other] = [new AbortController(), new AbortController()]
    const pausing = pause(60_000, other.signal, stop.signal)
    stop.abort()
    await pausing
    await pause(60_000, stop.signal, other.signal)
    expect(getEventListeners(other.signal, 'abort')).toEqual([])
  })
})
