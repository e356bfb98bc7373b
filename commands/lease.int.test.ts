import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import { catalog } from '../domain/catalog.ts'
import { systemClock } from '../domain/kernel/clock.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { logUnavailable } from '../domain/kernel/log-errors.ts'
import type { Logger } from '../domain/kernel/logger.ts'
import { REACTORS_LEASE } from '../domain/lease/lease.ts'
import { createCommandLoop } from './handle.ts'
import { competingHolder, type Lease } from './lease.ts'

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const SOON = { timeout: 10_000, interval: 5 }
const TTL_MS = 150

let folder: string
let log: EventLog
const opened: Lease[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-lease-'))
  log = await openEmbeddedLog({ folder })
})
afterEach(async () => {
  for (const lease of opened.splice(0)) await lease.close()
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

/** One mcpd's side: how often its duty has begun and ended. */
const candidate = (id: string, options: { log?: EventLog; begin?: () => Promise<void> } = {}) => {
  const counts = { begun: 0, ended: 0 }
  const duty = {
    async begin() {
      await options.begin?.()
      counts.begun += 1
    },
    async end() {
      counts.ended += 1
    },
  }
  const own = options.log ?? log
  const loop = createCommandLoop({ log: own, catalog, clock: systemClock })
  const deps = { stream: REACTORS_LEASE, id, ttlMs: TTL_MS, log: own, loop, newId: randomUUID, logger: silent }
  const lease = competingHolder(duty, deps)
  opened.push(lease)
  return { lease, counts, url: `http://${id}:3100` }
}

describe('several mcpd on one log', () => {
  it('agree on one of them', async () => {
    const all = ['a', 'b', 'c'].map((id) => candidate(id))
    await Promise.all(all.map(({ lease, url }) => lease.open(url)))
    expect(all.map(({ counts }) => counts.begun).sort()).toEqual([0, 0, 1])
    const holder = all.find(({ counts }) => counts.begun === 1)
    await vi.waitFor(() => {
      const places = all.map(({ lease }) => lease.place())
      expect(places.filter((place) => place === 'here')).toHaveLength(1)
      expect(places.filter((place) => typeof place === 'object' && place.url === holder?.url)).toHaveLength(2)
    }, SOON)
  })

  it('leave it where it is while its holder renews it', async () => {
    const [a, b] = [candidate('a'), candidate('b')]
    await a.lease.open(a.url)
    await b.lease.open(b.url)
    const first = await log.revisionOf(REACTORS_LEASE)
    await vi.waitFor(async () => expect(await log.revisionOf(REACTORS_LEASE)).toBeGreaterThan(Number(first) + 12), SOON)
    expect([a.counts, b.counts]).toEqual([
      { begun: 1, ended: 0 },
      { begun: 0, ended: 0 },
    ])
  })

  it('take over when the holder has gone without a word, and it ends its duty when it comes back', async () => {
    const network = { cut: false, refused: 0 }
    const [a, b] = [candidate('a', { log: cutOff(log, network) }), candidate('b')]
    await a.lease.open(a.url)
    await b.lease.open(b.url)
    network.cut = true
    await vi.waitFor(() => expect(b.counts.begun).toBe(1), SOON)
    expect(a.lease.place()).toBe('here')
    network.cut = false
    await vi.waitFor(() => expect(a.counts.ended).toBe(1), SOON)
    expect(a.lease.place()).toMatchObject({ id: 'b' })
  })

  it('take over at once when the holder closes', async () => {
    const [a, b] = [candidate('a'), candidate('b')]
    await a.lease.open(a.url)
    await b.lease.open(b.url)
    await a.lease.close()
    expect(a.counts).toEqual({ begun: 1, ended: 1 })
    await vi.waitFor(() => expect(b.counts.begun).toBe(1), SOON)
  })

  it('keep the newest event of the lease only', async () => {
    const a = candidate('a')
    await a.lease.open(a.url)
    await vi.waitFor(async () => expect(await log.revisionOf(REACTORS_LEASE)).toBeGreaterThan(5n), SOON)
    const kept: string[] = []
    for await (const { type } of log.readStream(REACTORS_LEASE)) kept.push(type)
    expect(kept).toEqual(['LeaseRenewed'])
  })
})

describe('one mcpd', () => {
  it('goes on while the log is away: nobody else can take the lease either', async () => {
    const network = { cut: false, refused: 0 }
    const a = candidate('a', { log: cutOff(log, network) })
    await a.lease.open(a.url)
    network.cut = true
    // Longer than the lease lasts: it is looked at three times in its life.
    await vi.waitFor(() => expect(network.refused).toBeGreaterThan(8), SOON)
    expect(a.lease.place()).toBe('here')
    network.cut = false
    const revision = await log.revisionOf(REACTORS_LEASE)
    await vi.waitFor(async () => expect(await log.revisionOf(REACTORS_LEASE)).not.toBe(revision), SOON)
    expect(a.counts).toEqual({ begun: 1, ended: 0 })
  })

  it('takes its lease back at once after it was killed', async () => {
    const before = candidate('a')
    await before.lease.open('http://a:3100')
    // Killed: nothing is released. The same data folder, another port.
    const after = candidate('a')
    await after.lease.open('http://a:3200')
    expect(after.counts.begun).toBe(1)
  })

  it('tries again when the duty cannot begin', async () => {
    const first = candidate('a')
    await first.lease.open(first.url)
    let refusals = 0
    const begin = async () => {
      if (refusals++ < 2) throw logUnavailable('just now')
    }
    const b = candidate('b', { begin })
    await b.lease.open(b.url)
    await first.lease.close()
    await vi.waitFor(() => expect(b.counts.begun).toBe(1), SOON)
    expect(refusals).toBe(3)
  })
})

/** The same log, as a mcpd sees it whose network may be cut. */
const cutOff = (log: EventLog, network: { cut: boolean; refused: number }): EventLog =>
  new Proxy(log, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (network.cut) {
          network.refused += 1
          throw logUnavailable('the network is cut')
        }
        return Reflect.apply(value, target, args)
      }
    },
  })
