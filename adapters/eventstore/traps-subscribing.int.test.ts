import { status } from '@grpc/grpc-js'
import { describe, expect, it, vi } from 'vitest'
import { newEvents, newStream, numbersOf } from './testing/events.ts'
import { follow, startWireLog } from './testing/wire-log.ts'
import { failure } from './testing/wire-messages.ts'

const DEADLINE = { timeout: 15_000, interval: 10 }

describe('traps of subscribing', () => {
  it('lets the server leave out its own events, and chooses no types there', async () => {
    const wire = await startWireLog()
    const following = follow(wire.log, { after: 'start' })
    await wire.log.setRetention(newStream(), { maxCount: 1 })
    await wire.log.append(newStream(), newEvents(1), 'none')
    await vi.waitFor(() => expect(numbersOf(following.seen)).toEqual([0]), DEADLINE)
    await following.end()
    const filters = wire.server.faults.calls.filter(({ operation }) => operation === 'subscribe')
    expect(filters.map(({ filter }) => filter)).toEqual(['^[^$].*'])
  })

  it('subscribes again after it was cut off as too slow, and loses nothing', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(1), 'none')
    const seen: unknown[] = []
    for await (const batch of wire.log.subscribe({
      after: 'start',
      signal: new AbortController().signal,
      maxBatch: 10,
    })) {
      for (let n = 1; seen.length === 0 && n < 2000; n += 100) {
        const padded = newEvents(100, n).map((event) => ({ ...event, data: { ...event.data, pad: 'x'.repeat(2000) } }))
        await wire.log.append(stream, padded, BigInt(n - 1))
      }
      seen.push(...numbersOf(batch))
      if (seen.length > 2000) break
    }
    expect(seen).toEqual(Array.from({ length: 2001 }, (_, n) => n))
    expect(wire.server.faults.calls.filter(({ operation }) => operation === 'subscribe').length).toBeGreaterThan(1)
  })

  it('ends the call on the server when the iteration is left: the client would leak it', async () => {
    const wire = await startWireLog()
    await wire.log.append(newStream(), newEvents(1), 'none')
    for await (const _ of wire.log.subscribe({ after: 'start', signal: new AbortController().signal })) {
      expect(wire.server.faults.subscribers).toBe(1)
      break
    }
    await vi.waitFor(() => expect(wire.server.faults.subscribers).toBe(0), DEADLINE)
  })

  it('resumes behind what was handed over, not behind what had arrived', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(100), 'none')
    const seen: unknown[] = []
    for await (const batch of wire.log.subscribe({
      after: 'start',
      signal: new AbortController().signal,
      maxBatch: 7,
    })) {
      if (seen.length === 7) {
        wire.server.goAway()
        await wire.server.comeBack()
      }
      seen.push(...numbersOf(batch))
      if (seen.length === 100) break
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, n) => n))
  })

  it("misses nothing after 'end' when the first subscription fails before it began", async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(1), 'none')
    wire.server.faults.failNext('subscribe', failure(status.UNAVAILABLE, 'Server Is Not Ready'))
    const following = follow(wire.log, { after: 'end' })
    const subscribed = () => wire.server.faults.calls.some(({ operation }) => operation === 'subscribe')
    await vi.waitFor(() => expect(subscribed()).toBe(true), DEADLINE)
    await wire.log.append(stream, newEvents(1, 1), 0n)
    await vi.waitFor(() => expect(numbersOf(following.seen)).toEqual([1]), DEADLINE)
    await following.end()
  })
})
