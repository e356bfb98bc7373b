import type { KeyObject } from 'node:crypto'
import type { Clock } from '../../domain/kernel/clock.ts'
import { type CodedError, isError } from '../../domain/kernel/errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { createTurns } from '../../domain/kernel/turns.ts'
import type { Keyring, MasterKeyRotation, RecordRotation } from '../../domain/secret/keyring.ts'
import {
  masterKeyGiven,
  secretKeyDestroyed,
  secretUnreadable,
  wrongMasterKey,
} from '../../domain/secret/keyring-errors.ts'
import type { WrappedKey } from '../../domain/secret/wrapped-key.ts'
import { dataKey, newKey, unwrap, wrap } from './data-key.ts'
import { assertUid, forEachKey, type KeyStore } from './key-store.ts'
import { type MasterKey, newMasterKey } from './master-key.ts'
import { findMasterKey, type MasterKeyEnv } from './master-key-source.ts'

export interface KeyringOptions {
  readonly store: KeyStore
  /** Where `master.key` is, unless `env` says otherwise. */
  readonly dataFolder: string
  readonly env: MasterKeyEnv
  readonly clock: Clock
  readonly logger: Logger
  /** Told when a rotation that was interrupted, or begun by a changed environment, is finished at this start. */
  readonly record: RecordRotation
}

/**
 * Opens the keyring: finds the master key, sees that it is the one the data keys need, and finishes a rotation.
 *
 * @throws MasterKeyMissing, WrongMasterKey, MasterKeyInvalid, MasterKeyExposed, KeyringUnavailable, LogUnavailable
 * @example
 * const keyring = await openKeyring({ store: await openFileKeyStore({ dataFolder }), dataFolder, env: process.env, clock, logger, record })
 */
export const openKeyring = async (options: KeyringOptions): Promise<Keyring> => {
  const { store, clock, logger } = options
  const needed = new Set((await store.list()).flatMap(({ masterKey }) => masterKey ?? []))
  const source = await findMasterKey(options.env, options.dataFolder, needed)
  let keys = source.keys
  /** Creations under way: each uses the master key that was current when it began. */
  const creating = new Set<Promise<unknown>>()
  const turns = createTurns()

  const known = (id: string): MasterKey | undefined =>
    [keys.current, keys.previous, source.given].find((each) => each?.id === id)
  const masterOf = (id: string): MasterKey => {
    const master = known(id)
    if (master === undefined) throw wrongMasterKey(id, keys.current.id, source.where)
    return master
  }
  const bare = (uid: string, wrapped: WrappedKey): KeyObject => unwrap(masterOf(wrapped.masterKey), uid, wrapped)

  const open = async (uid: string): Promise<KeyObject> => {
    assertUid(uid)
    const wrapped = await store.read(uid)
    if (wrapped === undefined) throw secretKeyDestroyed(`secret ${uid}`)
    return bare(uid, wrapped)
  }

  const create = async (uid: string): Promise<KeyObject> => {
    const fresh = newKey()
    const wrapped = wrap(keys.current, uid, clock.now().toISOString(), fresh)
    const kept = await store.add(wrapped, (id) => known(id) !== undefined)
    return kept === wrapped ? fresh : bare(uid, kept)
  }

  /** Wraps anew what is not under the current master key. Keys that do not open stay as they are, and the first of them is thrown at the end. */
  const rewrap = async (): Promise<number> => {
    const visited = new Set<string>()
    let failed: CodedError | undefined
    for (;;) {
      const all = await store.list()
      const stale = all.filter(({ uid, masterKey }) => masterKey !== keys.current.id && !visited.has(uid))
      if (stale.length === 0) {
        if (failed !== undefined) throw failed
        return all.length
      }
      await forEachKey(stale, async ({ uid }) => {
        visited.add(uid)
        try {
          await store.replace(uid, (present) =>
            present.masterKey === keys.current.id
              ? present
              : wrap(keys.current, uid, present.createdAt, bare(uid, present)),
          )
        } catch (error) {
          if (!isError(error, secretUnreadable)) throw error
          failed ??= error
        }
      })
    }
  }

  const finish = async (from: string, record: RecordRotation): Promise<MasterKeyRotation> => {
    await Promise.allSettled([...creating])
    const rotation = { from, to: keys.current.id, rewrapped: await rewrap() }
    await record(rotation)
    if (keys.previous !== undefined) {
      const { current } = keys
      await source.replace?.({ current })
      keys = { current }
    }
    return rotation
  }

  for (const id of needed) masterOf(id)
  const unfinished = keys.previous ?? source.given
  if (unfinished !== undefined && unfinished.id !== keys.current.id)
    await finish(unfinished.id, options.record).catch((error: unknown) => {
      // One damaged key is no reason to start without all others. The old master key stays until that secret is deleted.
      if (!isError(error, secretUnreadable)) throw error
      logger.error({ code: error.code }, `the rotation of the master key is not finished: ${error.message}`)
    })

  return {
    masterKeyId: () => keys.current.id,
    async create(uid) {
      assertUid(uid)
      const made = create(uid)
      creating.add(made)
      try {
        return dataKey(uid, await made)
      } finally {
        creating.delete(made)
      }
    },
    ephemeral: (uid) => dataKey(uid, newKey()),
    open: async (uid) => dataKey(uid, await open(uid)),
    async destroy(uid) {
      assertUid(uid)
      await store.remove(uid)
    },
    list: () => store.list(),
    async check() {
      const all = await store.list()
      await forEachKey(all, async ({ uid }) => {
        try {
          await open(uid)
        } catch (error) {
          if (!isError(error, secretKeyDestroyed)) throw error // destroyed since it was listed
        }
      })
      return all.length
    },
    rotate: (record) =>
      turns.take('rotation', async () => {
        if (source.replace === undefined) throw masterKeyGiven(source.where, source.variable ?? 'MCPCTL_MASTER_KEY')
        if (keys.previous === undefined) {
          const next = { current: newMasterKey(), previous: keys.current }
          await source.replace(next)
          keys = next
        }
        return finish(keys.previous?.id ?? keys.current.id, record)
      }),
  }
}
