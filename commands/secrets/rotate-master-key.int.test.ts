import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { catalog } from '../../domain/catalog.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { MASTER_KEY_STREAM } from '../../domain/secret/master-key.ts'
import type { CommandContext } from '../context.ts'
import { createCommandLoop } from '../handle.ts'
import { recordRotation, rotateMasterKey } from './rotate-master-key.ts'
import { temporaryKeyring } from './testing/temporary-keyring.ts'

const clock = { now: () => new Date('2026-01-01T00:00:00Z') }
const context = (): CommandContext => {
  const commandId = randomUUID()
  return { actor: { kind: 'User', name: 'ada' }, commandId, correlationId: commandId, causationId: commandId }
}

describe('rotating the master key', () => {
  let place: Awaited<ReturnType<typeof temporaryKeyring>>
  let log: EventLog
  beforeEach(async () => {
    place = await temporaryKeyring()
    log = await openEmbeddedLog({ folder: join(place.folder, 'log') })
  })
  afterEach(async () => {
    await log.close()
    await place.remove()
  })

  it('wraps all data keys anew and leaves one event that says who did it, however often it is told of', async () => {
    const { keyring } = place
    await keyring.create(randomUUID())
    const deps = { commands: createCommandLoop({ log, catalog, clock }), clock }
    const from = keyring.masterKeyId()
    const rotation = await rotateMasterKey({ ...deps, keyring }, context())
    await recordRotation(deps, context())(rotation)
    const events = []
    for await (const event of log.readStream(MASTER_KEY_STREAM)) events.push(event)
    expect(events).toMatchObject([
      {
        type: 'MasterKeyRotated',
        data: { from, to: keyring.masterKeyId(), rewrapped: 1, at: '2026-01-01T00:00:00.000Z' },
        metadata: { actor: { name: 'ada' } },
      },
    ])
  })
  it('rotates once when the same request is repeated', async () => {
    const { keyring } = place
    const deps = { commands: createCommandLoop({ log, catalog, clock }), clock, keyring }
    const request = context()
    const rotation = await rotateMasterKey(deps, request)
    expect(await rotateMasterKey(deps, request)).toEqual(rotation)
    expect(keyring.masterKeyId()).toBe(rotation.to)
    expect((await rotateMasterKey(deps, context())).from).toBe(rotation.to)
  })
})
