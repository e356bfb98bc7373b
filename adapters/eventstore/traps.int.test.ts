import { jsonEvent, NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client'
import { status } from '@grpc/grpc-js'
import { describe, expect, it, vi } from 'vitest'
import { all, newEvent, newEvents, newStream, numbersOf } from './testing/events.ts'
import { follow, startWireLog } from './testing/wire-log.ts'
import { failure } from './testing/wire-messages.ts'

const DEADLINE = { timeout: 15_000, interval: 10 }

describe('traps of appending', () => {
  it.each(['broken', 'silent'] as const)(
    'repeats an append whose answer was lost (%s), with one effect',
    async (loss) => {
      const wire = await startWireLog({ attemptMs: 300 })
      const stream = newStream()
      wire.server.faults.loseNextAnswer('append', loss)
      const { revision, position } = await wire.log.append(stream, newEvents(2), 'none')

      const read = await all(wire.log.readStream(stream))
      expect(numbersOf(read)).toEqual([0, 1])
      expect(read.at(-1)).toMatchObject({ revision, position })
      expect(wire.server.faults.calls.filter(({ operation }) => operation === 'append').length).toBeGreaterThan(1)
    },
  )

  it('has one effect although the server was a new process when the append was repeated', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    const events = newEvents(2)
    const first = await wire.log.append(stream, events, 'none')
    wire.server.goAway()
    await wire.server.comeBack()
    expect(await wire.log.append(stream, events, 'none')).toEqual(first)
    expect(numbersOf(await all(wire.log.readStream(stream)))).toEqual([0, 1])
  })

  it("would be stored twice with 'any', which is why there is no such revision here", async () => {
    const wire = await startWireLog()
    const stream = newStream()
    const event = jsonEvent({ id: crypto.randomUUID(), type: 'ThingHappened', data: {}, metadata: {} })
    await wire.client.appendToStream(stream, event)
    await wire.client.appendToStream(stream, event)
    expect(await wire.log.revisionOf(stream)).toBe(0n)
    wire.server.goAway()
    await wire.server.comeBack()
    await vi.waitFor(() => wire.client.appendToStream(stream, event), DEADLINE)
    expect(await wire.log.revisionOf(stream)).toBe(1n)
  })

  it('gives up after its own deadline when the server says nothing, and tells that the outcome is unknown', async () => {
    const wire = await startWireLog({ appendDeadlineMs: 400, attemptMs: 150 })
    wire.server.faults.hold('append')
    await expect(wire.log.append(newStream(), newEvents(1), 'none')).rejects.toMatchObject({
      code: 'log-unavailable',
      status: 503,
    })
  })

  it('stops waiting when its signal is aborted in the middle', async () => {
    const wire = await startWireLog()
    wire.server.faults.hold('append')
    const stop = new AbortController()
    const appending = wire.log.append(newStream(), newEvents(1), 'none', { signal: stop.signal })
    appending.catch(() => undefined)
    await vi.waitFor(() => expect(wire.server.faults.held).toBe(1), DEADLINE)
    stop.abort(new Error('nobody waits any more'))
    await expect(appending).rejects.toThrow('nobody waits any more')
  })

  it('says what was expected and found, although the message of such an error is empty', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(3), 'none')
    const bare = wire.client.appendToStream(stream, [], { expectedRevision: 7n })
    await expect(bare).rejects.toSatisfy(
      (error) => error instanceof WrongExpectedVersionError && error.message === '' && error.actualVersion === 2n,
    )
    await expect(wire.log.append(stream, newEvents(1), 7n)).rejects.toMatchObject({
      code: 'wrong-expected-revision',
      message: `stream ${stream} is at revision 2, not 7`,
      details: { stream, expected: '7', actual: '2' },
    })
  })

  it("says 'none' for a stream that is missing, which the client calls no_stream", async () => {
    const wire = await startWireLog()
    await expect(wire.log.append(newStream(), newEvents(1), 3n)).rejects.toMatchObject({ details: { actual: 'none' } })
  })

  it('knows the actual revision also when the connection string turns errors of appends off', async () => {
    const wire = await startWireLog()
    const connectionString = `${wire.server.connectionString}&throwOnAppendFailure=false`
    const log = await wire.another({ connectionString })
    const stream = newStream()
    await log.append(stream, newEvents(3), 'none')
    await expect(log.append(stream, newEvents(1), 'none')).rejects.toMatchObject({ details: { actual: '2' } })
  })

  it('is refused before the client sees an empty type or a BigInt, which would kill or hang the process', async () => {
    const wire = await startWireLog()
    await expect(wire.log.append(newStream(), [{ ...newEvent(), type: '' }], 'none')).rejects.toMatchObject({
      code: 'invalid-event',
    })
    const data = JSON.parse('{"n":0}', (key, value) => (key === 'n' ? 1n : value))
    await expect(wire.log.append(newStream(), [newEvent(data)], 'none')).rejects.toMatchObject({
      code: 'invalid-event',
    })
    expect(wire.server.faults.calls).toEqual([])
  })

  it('tells the limit of a server that takes less than ours', async () => {
    const wire = await startWireLog({ server: { maxAppendSize: 1000 } })
    await expect(wire.log.append(newStream(), [newEvent({ pad: 'x'.repeat(2000) })], 'none')).rejects.toMatchObject({
      code: 'event-too-large',
      details: { limit: 1000 },
    })
  })

  it('fails at once, with a hint, when access is refused', async () => {
    const wire = await startWireLog()
    wire.server.faults.failNext('append', failure(status.PERMISSION_DENIED, '', { exception: 'access-denied' }))
    await expect(wire.log.append(newStream(), newEvents(1), 'none')).rejects.toMatchObject({
      code: 'log-unavailable',
      details: { hint: expect.stringContaining('user and password') },
    })
    expect(wire.server.faults.calls).toHaveLength(1)
  })

  it('sends no user over a connection that is not encrypted', async () => {
    const wire = await startWireLog()
    const connectionString = wire.server.connectionString.replace('esdb://', 'esdb://ada:secret@')
    for (const log of [wire.log, await wire.another({ connectionString })]) {
      await log.append(newStream(), newEvents(1), 'none')
    }
    expect(wire.server.faults.calls.map(({ authorization }) => authorization)).toEqual([undefined, undefined])
  })

  it('answers a position for a repeat that the server answers without one', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.setRetention(stream, { maxCount: 1 })
    const old = newEvents(1)
    const first = await wire.log.append(stream, old, 'none')
    await wire.log.append(stream, newEvents(1, 1), 0n)
    const repeated = await wire.log.append(stream, old, 'none')
    expect(repeated.revision).toBe(0n)
    expect(repeated.position).toBeGreaterThanOrEqual(first.position)
    expect(repeated.position).toBeLessThanOrEqual((await wire.log.head()) ?? -1n)
  })
})

describe('traps of reading', () => {
  it('takes a missing stream, which throws in the middle of the iteration, for an empty one', async () => {
    const wire = await startWireLog()
    await expect(all(wire.client.readStream(newStream()))).rejects.toThrow('not found')
    expect(await all(wire.log.readStream(newStream()))).toEqual([])
  })

  it('begins after a position, although reads of the client include it and its subscriptions do not', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(4), 'none')
    const after = (await all(wire.log.readStream(stream)))[1]?.position ?? -1n
    expect(numbersOf(await all(wire.log.readAll({ after })))).toEqual([2, 3])
    expect(numbersOf(await all(wire.log.readAll({ after, direction: 'backwards' })))).toEqual([0])
    const following = follow(wire.log, { after })
    await vi.waitFor(() => expect(numbersOf(following.seen)).toEqual([2, 3]), DEADLINE)
    await following.end()
  })

  it('gives up a read that the server never answers: reads of the client ignore deadlines', async () => {
    const wire = await startWireLog({ readStallMs: 200 })
    wire.server.faults.loseNextAnswer('read', 'silent')
    await expect(all(wire.log.readStream(newStream()))).rejects.toMatchObject({ code: 'log-unavailable' })
  })

  it('gives up a ping after 2 s', async () => {
    const wire = await startWireLog()
    wire.server.faults.loseNextAnswer('read', 'silent')
    await expect(wire.log.ping()).rejects.toMatchObject({ code: 'log-unavailable' })
  })

  it("leaves the server's own events out, also where it counts: at the head", async () => {
    const wire = await startWireLog()
    const stream = newStream()
    const { position } = await wire.log.append(stream, newEvents(1), 'none')
    await wire.log.setRetention(stream, { maxCount: 5 })
    expect(await wire.log.head()).toBe(position)
    expect(numbersOf(await all(wire.log.readAll()))).toEqual([0])
    expect(numbersOf(await all(wire.log.readAll({ direction: 'backwards', limit: 1 })))).toEqual([0])
  })

  it('leaves out what other programs wrote that no event of ours can be', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    const binary = { id: crypto.randomUUID(), type: 'Picture', contentType: 'application/octet-stream' as const }
    await wire.client.appendToStream(stream, [
      { ...binary, data: Buffer.from('{}'), metadata: undefined },
      jsonEvent({ type: 'NoMetadata', data: {} }),
      jsonEvent({ type: 'NoObject', data: [1], metadata: {} }),
    ])
    await wire.log.append(stream, newEvents(1), 2n)
    expect(numbersOf(await all(wire.log.readStream(stream)))).toEqual([0])
    expect(numbersOf(await all(wire.log.readAll()))).toEqual([0])
  })

  it('never touches a stream of the server', async () => {
    const wire = await startWireLog()
    await expect(all(wire.log.readStream('$users'))).rejects.toMatchObject({ code: 'invalid-event' })
    await expect(wire.log.revisionOf('$$trap-x')).rejects.toMatchObject({ code: 'invalid-event' })
    await expect(wire.log.tombstone('$all')).rejects.toMatchObject({ code: 'invalid-event' })
    expect(wire.server.faults.calls).toEqual([])
  })
})

describe('traps of deleting', () => {
  it('deletes a missing stream without effect, which fails on the server with any expectation', async () => {
    const wire = await startWireLog()
    await expect(wire.client.deleteStream(newStream())).rejects.toBeInstanceOf(WrongExpectedVersionError)
    await wire.log.deleteStream(newStream())
  })

  it('goes on with the revisions of a stream that another program soft-deleted', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.log.append(stream, newEvents(3), 'none')
    await wire.client.deleteStream(stream)
    expect(await all(wire.log.readStream(stream))).toEqual([])
    expect(await wire.log.revisionOf(stream)).toBe(2n)
    await wire.log.deleteStream(stream)
    await wire.log.append(stream, newEvents(1, 3), 2n)
    expect(numbersOf(await all(wire.log.readStream(stream)))).toEqual([3])
  })

  it("keeps deleted events deleted when retention is set, although the server's truncation is beyond any number of JSON", async () => {
    const wire = await startWireLog()
    const streams = [newStream(), newStream()]
    for (const stream of streams) await wire.log.append(stream, newEvents(3), 'none')
    await wire.log.deleteStream(streams[0] ?? '')
    await wire.client.deleteStream(streams[1] ?? '')
    for (const stream of streams) {
      await wire.log.setRetention(stream, { maxCount: 10 })
      expect(await all(wire.log.readStream(stream))).toEqual([])
      const written = (await all(wire.client.readStream(`$$${stream}`))).map(({ event }) => event?.data)
      expect(written[1]).toEqual(stream === streams[0] ? { $tb: 3, $maxCount: 10 } : { $maxCount: 10 })
      await wire.log.append(stream, newEvents(1, 3), 2n)
      expect(numbersOf(await all(wire.log.readStream(stream)))).toEqual([3])
    }
  })

  it("keeps what else a stream's metadata says, and writes it over nothing but what it read", async () => {
    const wire = await startWireLog()
    const stream = newStream()
    await wire.client.setStreamMetadata(
      stream,
      { acl: { readRoles: ['$all'] }, owner: 'ada' },
      { expectedRevision: NO_STREAM },
    )
    await Promise.all([wire.log.setRetention(stream, { maxCount: 3 }), wire.log.append(stream, newEvents(2), 'none')])
    await Promise.all([wire.log.deleteStream(stream), wire.log.setRetention(stream, { maxAgeSeconds: 60 })])
    const { metadata } = await wire.client.getStreamMetadata(stream)
    expect(metadata).toEqual({ acl: { readRoles: ['$all'] }, owner: 'ada', maxAge: 60, truncateBefore: 2 })
  })

  it('goes on delivering deleted and tombstoned events to those who read everything', async () => {
    const wire = await startWireLog()
    const [deleted, gone] = [newStream(), newStream()]
    await wire.log.append(deleted, newEvents(1), 'none')
    await wire.log.append(gone, newEvents(1, 1), 'none')
    await wire.log.deleteStream(deleted)
    await wire.log.tombstone(gone)
    expect(numbersOf(await all(wire.log.readAll()))).toEqual([0, 1])
  })

  it('repeats a tombstone whose answer was lost', async () => {
    const wire = await startWireLog()
    const stream = newStream()
    wire.server.faults.loseNextAnswer('tombstone', 'broken')
    await wire.log.tombstone(stream)
    await expect(wire.log.append(stream, newEvents(1), 'none')).rejects.toMatchObject({ code: 'stream-tombstoned' })
  })
})

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
