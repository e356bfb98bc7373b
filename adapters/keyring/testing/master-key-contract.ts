import { randomBytes, randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { MasterKeyRotation } from '../../../domain/secret/keyring.ts'
import type { KeyStore } from '../key-store.ts'
import { ignore, type KeyringUnderTest, rejects, type StartKeyring } from './keyring-under-test.ts'

const withResolvers = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
const newKey = (): string => randomBytes(32).toString('base64')

/** What a keyring does with its master key: keeps it, rotates it, takes it from the environment. */
export const masterKeyContract = (place: () => KeyringUnderTest, start: StartKeyring): void => {
  it('opens every value under a new master key, and nothing needs the old one', async () => {
    const keyring = await start()
    const uids = Array.from({ length: 20 }, () => randomUUID())
    const sealed = await Promise.all(uids.map(async (uid) => (await keyring.create(uid)).seal('K', uid)))
    const from = keyring.masterKeyId()
    const told: MasterKeyRotation[] = []
    const rotation = await keyring.rotate(async (each) => void told.push(each))
    expect(rotation).toEqual({ from, to: keyring.masterKeyId(), rewrapped: 20 })
    expect(rotation.to).not.toBe(from)
    expect(told).toEqual([rotation])
    for (const restarted of [keyring, await start()]) {
      expect((await restarted.list()).every(({ masterKey }) => masterKey === rotation.to)).toBe(true)
      for (const [i, uid] of uids.entries()) {
        const value = sealed[i]
        expect(value && (await restarted.open(uid)).open('K', value)).toBe(uid)
      }
    }
  })

  it('wraps keys that are made while the master key is rotated under a master key that stays', async () => {
    const keyring = await start()
    await Promise.all(Array.from({ length: 20 }, () => keyring.create(randomUUID())))
    const made = Array.from({ length: 10 }, () => keyring.create(randomUUID()))
    const rotated = keyring.rotate(ignore)
    made.push(...Array.from({ length: 10 }, () => keyring.create(randomUUID())))
    await Promise.all([rotated, ...made])
    expect(await (await start()).check()).toBe(40)
  })

  it('does not give the old master key up before a data key that is being made under it is kept', async () => {
    const store = await place().store()
    const { promise: released, resolve: release } = withResolvers()
    const steps: string[] = []
    const slow: KeyStore = {
      ...store,
      add: async (key, isKnown) => {
        await released
        const kept = await store.add(key, isKnown)
        steps.push('kept')
        return kept
      },
    }
    const keyring = await start({}, ignore, slow)
    const made = keyring.create(randomUUID())
    const old = keyring.masterKeyId()
    const rotated = keyring.rotate(async () => void steps.push('recorded'))
    await expect.poll(() => keyring.masterKeyId()).not.toBe(old)
    // Time for a rotation that does not wait to come to its end.
    for (let read = 0; read < 10; read++) await store.list()
    release()
    await Promise.all([made, rotated])
    expect(steps).toEqual(['kept', 'recorded'])
    expect(await (await start()).check()).toBe(1)
  })

  it('does not bring back what is destroyed while the master key is rotated', async () => {
    const keyring = await start()
    const uids = Array.from({ length: 20 }, () => randomUUID())
    await Promise.all(uids.map((uid) => keyring.create(uid)))
    await Promise.all([keyring.rotate(ignore), ...uids.map((uid) => keyring.destroy(uid))])
    expect(await keyring.list()).toEqual([])
    for (const uid of uids) await rejects((await start()).open(uid), 'secret-key-destroyed')
  })

  it('rotates once after another when that is asked for twice at once', async () => {
    const keyring = await start()
    await keyring.create(randomUUID())
    const [first, second] = await Promise.all([keyring.rotate(ignore), keyring.rotate(ignore)])
    expect(second.from).toBe(first.to)
    expect(await (await start()).check()).toBe(1)
  })

  it.each([1, 7, 12])(
    'finishes a rotation that failed at data key %i when it is asked for again, or at the next start',
    async (step) => {
      const uids = Array.from({ length: 12 }, () => randomUUID())
      const first = await start()
      await Promise.all(uids.map((uid) => first.create(uid)))
      let left = step
      const store = await place().store()
      const failing: KeyStore = {
        ...store,
        replace: async (uid, next) => {
          if (--left <= 0) throw new Error('the disk is full')
          await store.replace(uid, next)
        },
      }
      const keyring = await start({}, ignore, failing)
      const from = keyring.masterKeyId()
      await expect(keyring.rotate(ignore)).rejects.toThrow('the disk is full')
      expect(await keyring.check()).toBe(12)
      const told: MasterKeyRotation[] = []
      const restarted = await start({}, async (each) => void told.push(each))
      expect(told).toEqual([{ from, to: restarted.masterKeyId(), rewrapped: 12 }])
      left = Number.POSITIVE_INFINITY
      expect(await keyring.rotate(ignore)).toEqual(told[0])
      expect(await restarted.check()).toBe(12)
    },
  )

  it('tells of a rotation again that could not be recorded', async () => {
    const keyring = await start()
    await keyring.create(randomUUID())
    const from = keyring.masterKeyId()
    const failed = keyring.rotate(async () => {
      throw new Error('the log is away')
    })
    await expect(failed).rejects.toThrow('the log is away')
    const told: MasterKeyRotation[] = []
    const restarted = await start({}, async (each) => void told.push(each))
    expect(told).toEqual([{ from, to: restarted.masterKeyId(), rewrapped: 1 }])
  })

  it('refuses to start with another master key, and says which one it needs', async () => {
    const keyring = await start({ MCPCTL_MASTER_KEY: newKey() })
    await keyring.create(randomUUID())
    await rejects(start({ MCPCTL_MASTER_KEY: newKey() }), 'wrong-master-key')
    await expect(start({ MCPCTL_MASTER_KEY: newKey() })).rejects.toThrow(keyring.masterKeyId())
  })

  it('never makes a new master key when there are data keys', async () => {
    const keyring = await start({ MCPCTL_MASTER_KEY: newKey() })
    await keyring.create(randomUUID())
    await rejects(start(), 'master-key-missing')
    await expect(start()).rejects.toThrow(keyring.masterKeyId())
  })

  it('takes any master key when there are no data keys', async () => {
    await start({ MCPCTL_MASTER_KEY: newKey() })
    expect(await (await start({ MCPCTL_MASTER_KEY: newKey() })).check()).toBe(0)
  })

  it('leaves a master key from the environment to its owner, and says how to change it', async () => {
    const keyring = await start({ MCPCTL_MASTER_KEY: newKey() })
    await expect(keyring.rotate(ignore)).rejects.toMatchObject({
      code: 'master-key-given',
      details: { hint: expect.stringContaining('MCPCTL_MASTER_KEY_PREVIOUS') },
    })
  })

  it('goes over to a new master key of the environment when the old one stands beside it', async () => {
    const [old, next] = [newKey(), newKey()]
    const before = await start({ MCPCTL_MASTER_KEY: old })
    await before.create(randomUUID())
    const told: MasterKeyRotation[] = []
    const both = { MCPCTL_MASTER_KEY: next, MCPCTL_MASTER_KEY_PREVIOUS: old }
    const after = await start(both, async (each) => void told.push(each))
    expect(told).toEqual([{ from: before.masterKeyId(), to: after.masterKeyId(), rewrapped: 1 }])
    expect(await (await start({ MCPCTL_MASTER_KEY: next })).check()).toBe(1)
    await rejects(start({ MCPCTL_MASTER_KEY: old }), 'wrong-master-key')
  })

  it('goes over from the master key of the data folder to one of the environment', async () => {
    await (await start()).create(randomUUID())
    const next = newKey()
    const previous = `${place().dataFolder}/master.key`
    await start({ MCPCTL_MASTER_KEY: next, MCPCTL_MASTER_KEY_PREVIOUS_FILE: previous })
    expect(await (await start({ MCPCTL_MASTER_KEY: next })).check()).toBe(1)
  })
}
