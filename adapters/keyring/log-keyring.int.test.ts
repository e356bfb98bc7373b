import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { catalog } from '../../domain/catalog.ts'
import { systemClock } from '../../domain/kernel/clock.ts'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Keyring } from '../../domain/secret/keyring.ts'
import { SECRET_KEY_INDEX, secretKeyStream } from '../../domain/secret/wrapped-key.ts'
import { openEmbeddedLog } from '../embedded-log/embedded-log.ts'
import type { KeyStore } from './key-store.ts'
import { openKeyring } from './keyring.ts'
import { logKeyStore } from './log-keyring.ts'
import type { MasterKeyEnv } from './master-key-source.ts'
import { keyringContract } from './testing/keyring-contract.ts'
import { silent } from './testing/keyring-under-test.ts'

const storeOf = (log: EventLog): KeyStore => logKeyStore({ log, clock: systemClock, newId: randomUUID })

/** A log and a data folder. */
const makePlace = async (): Promise<{ log: EventLog; dataFolder: string; close(): Promise<void> }> => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'keyring-'))
  const log = await openEmbeddedLog({ folder: join(dataFolder, 'log') })
  return {
    log,
    dataFolder,
    async close() {
      await log.close()
      await rm(dataFolder, { recursive: true })
    },
  }
}

keyringContract('streams of a log', async () => {
  const place = await makePlace()
  return { ...place, store: async () => storeOf(place.log) }
})

describe('data keys in a log', () => {
  let place: Awaited<ReturnType<typeof makePlace>>
  let log: EventLog
  beforeEach(async () => {
    place = await makePlace()
    log = place.log
  })
  afterEach(() => place.close())

  /** One more mcpd on the same log. */
  const start = (env: MasterKeyEnv = {}, store = storeOf(log)): Promise<Keyring> =>
    openKeyring({
      store,
      dataFolder: place.dataFolder,
      env,
      clock: systemClock,
      logger: silent,
      record: async () => {},
    })
  const eventsOf = async (stream: string): Promise<RecordedEvent[]> => {
    const events: RecordedEvent[] = []
    for await (const event of log.readStream(stream)) events.push(event)
    return events
  }
  const newKey = (): string => randomBytes(32).toString('hex')

  it('are events that the catalogue knows', async () => {
    const keyring = await start()
    const uid = randomUUID()
    await keyring.create(uid)
    await keyring.create(randomUUID())
    await keyring.destroy(uid)
    for await (const event of log.readAll()) {
      catalog.check(event.stream, event)
      expect(catalog.decode(event).type).toBe(event.type)
    }
  })

  it('leave only their newest wrapping readable', async () => {
    const keyring = await start()
    const uid = randomUUID()
    await keyring.create(uid)
    await keyring.rotate(async () => {})
    await keyring.rotate(async () => {})
    const events = await eventsOf(secretKeyStream(uid))
    expect(events.map(({ data }) => data.masterKey)).toEqual([keyring.masterKeyId()])
  })

  it('are tombstoned when they are destroyed, and do not come back', async () => {
    const keyring = await start()
    const uid = randomUUID()
    await keyring.create(uid)
    await keyring.destroy(uid)
    expect(await eventsOf(secretKeyStream(uid))).toEqual([])
    await expect(keyring.create(uid)).rejects.toMatchObject({ code: 'secret-key-destroyed' })
  })

  it('go over to a new master key while several mcpd start at once', async () => {
    const [old, next] = [newKey(), newKey()]
    const before = await start({ MCPCTL_MASTER_KEY: old })
    const uids = Array.from({ length: 30 }, () => randomUUID())
    await Promise.all(uids.map((uid) => before.create(uid)))
    const env = { MCPCTL_MASTER_KEY: next, MCPCTL_MASTER_KEY_PREVIOUS: old }
    await Promise.all([start(env), start(env), start(env)])
    expect(await (await start({ MCPCTL_MASTER_KEY: next })).check()).toBe(30)
  })

  it('are made by several mcpd at once', async () => {
    const env = { MCPCTL_MASTER_KEY: newKey() }
    const [a, b] = await Promise.all([start(env), start(env)])
    const uids = Array.from({ length: 20 }, () => randomUUID())
    await Promise.all(uids.flatMap((uid) => [a.create(uid), b.create(uid)]))
    expect((await a.list()).map(({ uid }) => uid).sort()).toEqual(uids.sort())
    expect(await b.check()).toBe(20)
  })

  it('are not made under a master key that another mcpd has replaced', async () => {
    const [old, next] = [newKey(), newKey()]
    const left = await start({ MCPCTL_MASTER_KEY: old })
    await left.create(randomUUID())
    const ahead = await start({ MCPCTL_MASTER_KEY: next, MCPCTL_MASTER_KEY_PREVIOUS: old })
    const uid = randomUUID()
    await expect(left.create(uid)).rejects.toMatchObject({
      code: 'wrong-master-key',
      details: { expected: ahead.masterKeyId() },
    })
    expect(await eventsOf(secretKeyStream(uid))).toEqual([])
    expect(await ahead.check()).toBe(1)
  })

  it('are listed by a repeated creation when mcpd was killed before it could list them', async () => {
    const killed: EventLog = Object.create(log, {
      append: {
        value: (stream: string, ...rest: [never, never]) => {
          if (stream === SECRET_KEY_INDEX) throw new Error('killed')
          return log.append(stream, ...rest)
        },
      },
      readStream: { value: log.readStream.bind(log) },
    })
    const uid = randomUUID()
    await expect((await start({}, storeOf(killed))).create(uid)).rejects.toThrow('killed')
    const keyring = await start()
    expect(await keyring.list()).toEqual([])
    await keyring.create(uid)
    expect((await keyring.list()).map((each) => each.uid)).toEqual([uid])
    expect(await eventsOf(secretKeyStream(uid))).toHaveLength(1)
  })

  it('do not hold a rotation up when mcpd was killed between destroying one and delisting it', async () => {
    const keyring = await start()
    const uid = randomUUID()
    await keyring.create(uid)
    await keyring.create(randomUUID())
    await log.tombstone(secretKeyStream(uid))
    expect(await keyring.rotate(async () => {})).toMatchObject({ rewrapped: 1 })
    expect((await keyring.list()).map((each) => each.uid)).not.toContain(uid)
  })
})
