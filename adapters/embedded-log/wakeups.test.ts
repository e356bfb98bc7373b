import { describe, expect, it } from 'vitest'
import { Wakeups } from './wakeups.ts'

describe('waking those who wait for events', () => {
  const folder = `/nowhere/${process.pid}`

  it('reaches the other clients of the same folder, and those of no other', async () => {
    const [one, other, stranger] = [new Wakeups(folder), new Wakeups(folder), new Wakeups(`${folder}/else`)]
    one.announce()
    await expect.poll(() => other.count).toBe(1)
    expect(stranger.count).toBe(0)
    for (const each of [one, other, stranger]) each.close()
  })

  it('does not let a message between the look and the wait get lost', async () => {
    const wakeups = new Wakeups(folder)
    const seen = wakeups.count
    wakeups.announce()
    const order: string[] = []
    await Promise.race([
      wakeups.wait(seen, new AbortController().signal).then(() => order.push('woken')),
      new Promise((resolve) => setImmediate(resolve)).then(() => order.push('a turn later')),
    ])
    expect(order).toEqual(['woken'])
    wakeups.close()
  })

  it('ends a wait when its signal aborts', async () => {
    const wakeups = new Wakeups(folder)
    const stop = new AbortController()
    const waiting = wakeups.wait(wakeups.count, stop.signal).then(() => 'ended')
    stop.abort()
    expect(await Promise.race([waiting, new Promise((resolve) => setImmediate(resolve))])).toBe('ended')
    wakeups.close()
  })
})
