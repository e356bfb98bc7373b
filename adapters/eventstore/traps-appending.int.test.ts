import { jsonEvent, WrongExpectedVersionError } from '@eventstore/db-client'
import { status } from '@grpc/grpc-js'
import { describe, expect, it, vi } from 'vitest'
import { all, newEvent, newEvents, newStream, numbersOf } from './testing/events.ts'
import { startWireLog } from './testing/wire-log.ts'
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
