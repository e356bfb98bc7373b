import { describe, expect, it } from 'vitest'
import type { TrafficRecord } from '../../proxy/inspector/feed.ts'
import type { Entry } from './filter.ts'
import { counterpart, Traffic } from './traffic.ts'

const at = '2026-01-01T00:00:00.000Z'
const entry = (seq: number, record: Partial<TrafficRecord> = {}, raw = 'x'.repeat(10)): Entry => ({
  record: { seq, at, session: 's', side: 'client', direction: 'to-server', bytes: 1, ...record },
  raw,
})
const hello = (watch: string, ...sessions: string[]) => ({
  watch,
  project: 'demo',
  sessions: sessions.map((session) => ({ session, client: 'test' })),
})
const seqs = (traffic: Traffic) => {
  traffic.settle()
  return traffic.entries.map(({ record }) => record.seq)
}

describe('traffic', () => {
  it('keeps the newest, by number and by size', () => {
    const few = new Traffic({ entries: 3, size: 1_000 })
    for (const seq of [1, 2, 3, 4, 5]) few.add(entry(seq))
    expect(seqs(few)).toEqual([3, 4, 5])
    const small = new Traffic({ entries: 100, size: 25 })
    for (const seq of [1, 2, 3]) small.add(entry(seq))
    expect(seqs(small)).toEqual([2, 3])
    for (const seq of [4, 5, 6]) small.add(entry(seq))
    expect(seqs(small)).toEqual([5, 6])
  })

  it('does not change the list that somebody holds', () => {
    const traffic = new Traffic()
    traffic.add(entry(1))
    traffic.settle()
    const held = traffic.entries
    traffic.add(entry(2))
    traffic.settle()
    expect([held.length, traffic.entries.length]).toEqual([1, 2])
  })

  it('takes nothing twice after a reconnection to the same watch, and all of another', () => {
    const traffic = new Traffic()
    traffic.hello(hello('w1'))
    for (const seq of [1, 2, 3]) traffic.add(entry(seq))
    traffic.hello(hello('w1'))
    for (const seq of [2, 3, 4]) traffic.add(entry(seq))
    expect(seqs(traffic)).toEqual([1, 2, 3, 4])
    traffic.hello(hello('w2'))
    traffic.add(entry(1))
    expect(seqs(traffic)).toEqual([1, 2, 3, 4, 1])
  })

  it('knows which sessions have ended, also while nobody told', () => {
    const traffic = new Traffic()
    traffic.hello(hello('w', 'a', 'b', 'c'))
    traffic.session({ session: 'a', client: 'test', state: 'ended', at })
    traffic.hello(hello('w2', 'c'))
    expect([...traffic.sessions].map(([session, { ended }]) => [session, ended])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
    ])
  })
})

describe('the other half', () => {
  const request = entry(1, { id: 1, method: 'x' })
  const asked = entry(2, { id: 1, method: 'y', side: 'server', server: 'a' })
  const other = entry(3, { id: 1, method: 'y', side: 'server', server: 'b' })
  const elsewhere = entry(4, { id: 1, direction: 'to-client', outcome: 'ok', session: 't' })
  const answerB = entry(5, { id: 1, direction: 'to-client', outcome: 'ok', side: 'server', server: 'b' })
  const answerA = entry(6, { id: 1, direction: 'to-client', outcome: 'ok', side: 'server', server: 'a' })
  const answer = entry(7, { id: 1, direction: 'to-client', outcome: 'error', server: 'a' })
  const all = [request, asked, other, elsewhere, answerB, answerA, answer]

  it('of a message is found on its own side, server and session', () => {
    for (const [one, two] of [
      [request, answer],
      [asked, answerA],
      [other, answerB],
    ] as const) {
      expect(counterpart(all, one)).toBe(two)
      expect(counterpart(all, two)).toBe(one)
    }
    expect(counterpart(all, elsewhere)).toBeUndefined()
    expect(counterpart(all, entry(9, { method: 'notifications/x' }))).toBeUndefined()
  })
})
