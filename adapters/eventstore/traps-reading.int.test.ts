import { jsonEvent } from '@eventstore/db-client'
import { describe, expect, it, vi } from 'vitest'
import { all, newEvents, newStream, numbersOf } from './testing/events.ts'
import { follow, startWireLog } from './testing/wire-log.ts'

const DEADLINE = { timeout: 15_000, interval: 10 }

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
