import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../../domain/kernel/clock.ts'
import { openKeyring } from '../keyring.ts'
import { ignore, type KeyringUnderTest, rejects, type StartKeyring, silent } from './keyring-under-test.ts'
import { masterKeyContract } from './master-key-contract.ts'

/** What a keyring must do wherever its data keys are kept. */
export const keyringContract = (name: string, make: () => Promise<KeyringUnderTest>): void => {
  describe(`${name}: the contract of a keyring`, () => {
    let place: KeyringUnderTest
    beforeEach(async () => {
      place = await make()
    })
    afterEach(() => place.close())

    const start: StartKeyring = async (env = {}, record = ignore, store) =>
      openKeyring({
        store: store ?? (await place.store()),
        dataFolder: place.dataFolder,
        env,
        clock: systemClock,
        logger: silent,
        record,
      })

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

    masterKeyContract(() => place, start)
  })
}
