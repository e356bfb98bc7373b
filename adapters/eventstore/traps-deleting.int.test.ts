import { NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client'
import { describe, expect, it } from 'vitest'
import { all, newEvents, newStream, numbersOf } from './testing/events.ts'
import { startWireLog } from './testing/wire-log.ts'

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
