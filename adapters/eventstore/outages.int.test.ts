import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openEventStoreLog } from './eventstore-log.ts'
import { all, newEvents, newStream, numbersOf } from './testing/events.ts'
import { follow, startWireLog } from './testing/wire-log.ts'
import { startWireServer } from './testing/wire-server.ts'
import { WireStore } from './testing/wire-store.ts'

const DEADLINE = { timeout: 20_000, interval: 10 }

describe('while the server is away', () => {
  it('appends, reads and pings fail with log-unavailable after their deadlines', async () => {
    const wire = await startWireLog({ appendDeadlineMs: 300, readStallMs: 300 })
    wire.server.goAway()
    const unavailable = { code: 'log-unavailable', status: 503, details: { retryAfter: 2 } }
    await expect(wire.log.append(newStream(), newEvents(1), 'none')).rejects.toMatchObject(unavailable)
    await expect(all(wire.log.readStream(newStream()))).rejects.toMatchObject(unavailable)
    await expect(all(wire.log.readAll())).rejects.toMatchObject(unavailable)
    await expect(wire.log.ping()).rejects.toMatchObject(unavailable)
  })

  it('an append waits, and succeeds when the server is back before the deadline', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(1), 'none')
    wire.server.goAway()
    const appending = wire.log.append(stream, newEvents(1, 1), 0n)
    await wire.server.comeBack()
    expect((await appending).revision).toBe(1n)
  })

  it('an append that was cut in the middle has one effect', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    wire.server.faults.hold('append')
    const appending = wire.log.append(stream, newEvents(2), 'none')
    await vi.waitFor(() => expect(wire.server.faults.held).toBe(1), DEADLINE)
    wire.server.goAway()
    wire.server.faults.letGo()
    await wire.server.comeBack()
    expect((await appending).revision).toBe(1n)
    expect(numbersOf(await all(wire.log.readStream(stream)))).toEqual([0, 1])
  })

  it('a read that was cut in the middle goes on where it was', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(900), 'none')
    for (const direction of ['forwards', 'backwards'] as const) {
      for (const read of [wire.log.readStream(stream, { direction }), wire.log.readAll({ direction })]) {
        const seen: unknown[] = []
        for await (const event of read) {
          if (seen.length === 70) {
            wire.server.goAway()
            await wire.server.comeBack()
          }
          seen.push(event.data.n)
        }
        const expected = Array.from({ length: 900 }, (_, n) => n)
        expect(seen).toEqual(direction === 'forwards' ? expected : expected.toReversed())
      }
    }
  })

  it('a subscription waits, and then delivers what came meanwhile, each event once', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(2), 'none')
    const following = follow(wire.log, { after: 'start' })
    await vi.waitFor(() => expect(following.seen).toHaveLength(2), DEADLINE)
    for (const n of [2, 3, 4]) {
      wire.server.goAway()
      await wire.server.comeBack()
      await wire.log.append(stream, newEvents(1, n), BigInt(n - 1))
    }
    await vi.waitFor(() => expect(following.seen).toHaveLength(5), DEADLINE)
    await following.end()
    expect(numbersOf(following.seen)).toEqual([0, 1, 2, 3, 4])
  })

  it('a log can be opened, and works once the server is there', async () => {
    const { port, stop, connectionString } = await startWireServer()
    await stop()
    const log = await openEventStoreLog({ connectionString })
    const appending = log.append(newStream(), newEvents(1), 'none')
    const server = await startWireServer({ port })
    expect((await appending).revision).toBe(0n)
    await log.close()
    await server.stop()
  })

  it('a subscription ends when it is aborted, and closing the log does not wait for the server', async () => {
    const wire = await startWireLog()
    wire.server.goAway()
    const aborted = follow(wire.log, { after: 'start' })
    const closed = follow(wire.log, { after: 'end' })
    await aborted.end()
    await wire.log.close()
    await closed.end()
  })
})

describe('several logs in one process', () => {
  it('do not end it when one of them breaks while another waits for an answer', async () => {
    const [broken, waiting] = [await startWireLog({ appendDeadlineMs: 200 }), await startWireLog()]
    const stream = newStream()
    await waiting.log.append(stream, newEvents(1), 'none')
    await broken.log.append(newStream(), newEvents(1), 'none')

    const following = follow(waiting.log, { after: 'start' })
    await vi.waitFor(() => expect(following.seen).toHaveLength(1), DEADLINE)
    waiting.server.faults.hold('append')
    const appending = waiting.log.append(stream, newEvents(1, 1), 0n)
    await vi.waitFor(() => expect(waiting.server.faults.held).toBe(1), DEADLINE)
    // The client keeps what all logs wait for in one place, and forgets all of it now.
    broken.server.goAway()
    await expect(broken.log.append(newStream(), newEvents(1), 'none')).rejects.toMatchObject({
      code: 'log-unavailable',
    })
    await vi.waitFor(() => expect(waiting.server.faults.held).toBeGreaterThan(1), DEADLINE)
    waiting.server.faults.letGo()

    // The subscription keeps the first connection open: the answer that nobody waits for arrives there.
    expect((await appending).revision).toBe(1n)
    await vi.waitFor(() => expect(numbersOf(following.seen)).toEqual([0, 1]), DEADLINE)
    await following.end()
  })
})

describe('a cluster', () => {
  const startCluster = async () => {
    const store = new WireStore()
    const nodes = [await startWireServer({ store }), await startWireServer({ store })] as const
    for (const node of nodes) node.gossipOf(nodes)
    const [one, two] = nodes
    two.faults.followLeader(one)
    const hosts = nodes.map(({ host, port }) => `${host}:${port}`).join(',')
    const log = await openEventStoreLog({
      connectionString: `esdb://${hosts}?tls=false&maxDiscoverAttempts=2&discoveryInterval=10&gossipTimeout=1`,
      appendDeadlineMs: 2_000,
    })
    const close = async (): Promise<void> => {
      await log.close()
      for (const node of nodes) await node.stop()
    }
    onTestFinished(close)
    return { one, two, log }
  }

  it('survives a change of its leader: appends, reads and subscriptions go on', async () => {
    const cluster = await startCluster()
    const { one, two, log } = cluster
    const stream = newStream()
    const following = follow(log, { after: 'start' })
    await log.append(stream, newEvents(1), 'none')
    two.faults.followLeader(undefined)
    one.faults.followLeader(two)
    await log.append(stream, newEvents(1, 1), 0n)
    expect(numbersOf(await all(log.readStream(stream)))).toEqual([0, 1])
    await vi.waitFor(() => expect(numbersOf(following.seen)).toEqual([0, 1]), DEADLINE)
    await following.end()
    expect(two.faults.calls.some(({ operation, stream: to }) => operation === 'append' && to === stream)).toBe(true)
  })

  it('reads from the leader: a node that was deposed is asked no more', async () => {
    const cluster = await startCluster()
    const { one, two, log } = cluster
    const stream = newStream()
    await log.append(stream, newEvents(1), 'none')
    two.faults.followLeader(undefined)
    one.faults.followLeader(two)
    expect(numbersOf(await all(log.readStream(stream)))).toEqual([0])
    expect(two.faults.calls).toEqual([expect.objectContaining({ operation: 'read', requiresLeader: true })])
  })

  it('survives the loss of its leader with the connection', async () => {
    const cluster = await startCluster()
    const { one, two, log } = cluster
    const stream = newStream()
    await log.append(stream, newEvents(1), 'none')
    one.goAway()
    two.faults.followLeader(undefined)
    two.gossipOf([two])
    await log.append(stream, newEvents(1, 1), 0n)
    expect(numbersOf(await all(log.readStream(stream)))).toEqual([0, 1])
  })

  it('heals after failed discovery, which spoils a client for good, and no failure is left unhandled', async () => {
    const unhandled = vi.fn()
    process.on('unhandledRejection', unhandled)
    const cluster = await startCluster()
    const { one, two, log } = cluster
    const stream = newStream()
    await log.append(stream, newEvents(1), 'none')
    one.goAway()
    two.goAway()
    const many = Array.from({ length: 5 }, () => log.append(stream, newEvents(1, 9), 0n))
    for (const append of many) append.catch(() => undefined)
    const outcomes = await Promise.allSettled(many)
    expect(outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code)).toEqual(
      many.map(() => 'log-unavailable'),
    )
    await one.comeBack()
    await two.comeBack()
    expect((await log.append(stream, newEvents(1, 1), 0n)).revision).toBe(1n)
    process.off('unhandledRejection', unhandled)
    expect(unhandled).not.toHaveBeenCalled()
  })
})
