import { randomBytes, randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Logger } from '../../../domain/kernel/logger.ts'
import type { Keyring, MasterKeyRotation, RecordRotation } from '../../../domain/secret/keyring.ts'
import type { KeyStore } from '../key-store.ts'
import { openKeyring } from '../keyring.ts'
import type { MasterKeyEnv } from '../master-key-source.ts'

/** A place for data keys, and a data folder for the master key. */
export interface KeyringUnderTest {
  readonly dataFolder: string
  /** The store anew, as after a restart. */
  store(): Promise<KeyStore>
  close(): Promise<void>
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
export const systemClock = { now: () => new Date() }
const ignore: RecordRotation = async () => {}
const withResolvers = (): { promise: Promise<void>; resolve: () => void } => {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
const newKey = (): string => randomBytes(32).toString('base64')

/** What a keyring must do wherever its data keys are kept. */
export const keyringContract = (name: string, make: () => Promise<KeyringUnderTest>): void => {
  describe(`${name}: the contract of a keyring`, () => {
    let place: KeyringUnderTest
    beforeEach(async () => {
      place = await make()
    })
    afterEach(() => place.close())

    const start = async (env: MasterKeyEnv = {}, record = ignore, store?: KeyStore): Promise<Keyring> =>
      openKeyring({
        store: store ?? (await place.store()),
        dataFolder: place.dataFolder,
        env,
        clock: systemClock,
        logger: silent,
        record,
      })
    const rejects = (promise: Promise<unknown>, code: string) => expect(promise).rejects.toMatchObject({ code })

    it('opens what it sealed, also after a restart', async () => {
      const uid = randomUUID()
      const sealed = (await (await start()).create(uid)).seal('TOKEN', 'hunter2')
      expect((await (await start()).open(uid)).open('TOKEN', sealed)).toBe('hunter2')
    })

    it('opens any Unicode text as it was sealed, and knows it again', async () => {
      const key = await (await start()).create(randomUUID())
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (value, other) => {
          const sealed = key.seal('K', value)
          expect(key.open('K', sealed)).toBe(value)
          expect(key.holds('K', sealed, value)).toBe(true)
          expect(key.holds('K', sealed, other)).toBe(value === other)
        }),
      )
    })

    it('seals the same value differently every time', async () => {
      const key = await (await start()).create(randomUUID())
      expect(key.seal('K', 'v')).not.toEqual(key.seal('K', 'v'))
    })

    it.each(['nonce', 'ciphertext', 'tag'] as const)('refuses a value with any bit of its %s changed', async (part) => {
      const key = await (await start()).create(randomUUID())
      const sealed = key.seal('K', 'value')
      const bytes = Buffer.from(sealed[part], 'base64')
      for (let bit = 0; bit < bytes.length * 8; bit++) {
        const changed = Buffer.from(bytes)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const tampered = { ...sealed, [part]: changed.toString('base64') }
        expect(() => key.open('K', tampered)).toThrow(expect.objectContaining({ code: 'secret-unreadable' }))
      }
    })

    it('refuses a shortened tag', async () => {
      const key = await (await start()).create(randomUUID())
      const sealed = key.seal('K', 'value')
      const tag = Buffer.from(sealed.tag, 'base64').subarray(0, 4).toString('base64')
      expect(() => key.open('K', { ...sealed, tag })).toThrow('does not open')
    })

    it('refuses a value that was moved to another key of the secret, or to another secret', async () => {
      const keyring = await start()
      const [key, other] = [await keyring.create(randomUUID()), await keyring.create(randomUUID())]
      const sealed = key.seal('A', 'value')
      expect(() => key.open('B', sealed)).toThrow('key B of secret')
      expect(() => other.open('A', sealed)).toThrow('does not open')
    })

    it('says nothing of a value in its errors', async () => {
      const key = await (await start()).create(randomUUID())
      const sealed = key.seal('A', 'canary-value')
      try {
        key.open('B', sealed)
        expect.fail('it opened')
      } catch (error) {
        expect(JSON.stringify(error) + String(error)).not.toContain('canary')
      }
    })

    it('answers the same data key when one is made twice, even at once', async () => {
      const keyring = await start()
      const uid = randomUUID()
      const [a, b] = await Promise.all([keyring.create(uid), keyring.create(uid)])
      expect((await keyring.open(uid)).open('K', a.seal('K', 'v'))).toBe('v')
      expect(a.open('K', b.seal('K', 'w'))).toBe('w')
      expect(await keyring.list()).toHaveLength(1)
    })

    it('lists every data key with its master key and when it was made', async () => {
      const keyring = await start()
      const uids = [randomUUID(), randomUUID(), randomUUID()]
      await Promise.all(uids.map((uid) => keyring.create(uid)))
      const all = await (await start()).list()
      expect(all.map(({ uid }) => uid).sort()).toEqual(uids.sort())
      expect(all.every(({ masterKey }) => masterKey === keyring.masterKeyId())).toBe(true)
      expect(all.every(({ createdAt }) => Date.parse(createdAt ?? '') <= Date.now())).toBe(true)
      expect(await keyring.check()).toBe(3)
    })

    it('opens nothing of a secret whose data key was destroyed, and destroys it twice without complaint', async () => {
      const keyring = await start()
      const uid = randomUUID()
      await keyring.create(uid)
      await keyring.destroy(uid)
      await keyring.destroy(uid)
      await keyring.destroy(randomUUID())
      await rejects(keyring.open(uid), 'secret-key-destroyed')
      await rejects((await start()).open(uid), 'secret-key-destroyed')
      expect(await keyring.list()).toEqual([])
    })

    it('keeps nothing of an ephemeral key', async () => {
      const keyring = await start()
      const uid = randomUUID()
      expect(keyring.ephemeral(uid).seal('K', 'v').ciphertext).not.toBe('')
      expect(await keyring.list()).toEqual([])
      await rejects(keyring.open(uid), 'secret-key-destroyed')
    })

    it('does not take a path for a uid', async () => {
      const keyring = await start()
      await expect(keyring.create('../../etc/passwd')).rejects.toThrow('not a uid')
      await expect(keyring.open('..')).rejects.toThrow('not a uid')
      await expect(keyring.destroy('../master')).rejects.toThrow('not a uid')
    })

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
      const store = await place.store()
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
        const store = await place.store()
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
      const previous = `${place.dataFolder}/master.key`
      await start({ MCPCTL_MASTER_KEY: next, MCPCTL_MASTER_KEY_PREVIOUS_FILE: previous })
      expect(await (await start({ MCPCTL_MASTER_KEY: next })).check()).toBe(1)
    })
  })
}
