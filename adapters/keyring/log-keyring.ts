import type { Clock, NewId } from '../../domain/kernel/clock.ts'
import { isError } from '../../domain/kernel/errors.ts'
import type { DomainEvent, NewEvent, Revision } from '../../domain/kernel/event.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { streamTombstoned, wrongExpectedRevision } from '../../domain/kernel/log-errors.ts'
import { secretKeyDestroyed, secretUnreadable, wrongMasterKey } from '../../domain/secret/keyring-errors.ts'
import { secretKeyStream, secretKeyWrapped, type WrappedKey, wrappedKey } from '../../domain/secret/wrapped-key.ts'
import { assertUid, type KeyStore } from './key-store.ts'
import { createKeyIndex } from './log-key-index.ts'

/** Attempts to put a newer version in place of one that others keep changing. */
const MAX_ROUNDS = 8

export interface LogKeyStoreOptions {
  readonly log: EventLog
  readonly clock: Clock
  readonly newId: NewId
}

/**
 * Data keys in the log, beside but never in the resources' streams: each on `secretkey-<uid>`, of which only the newest event is
 * kept, tombstoned when it is destroyed. Several mcpd may share one.
 */
export const logKeyStore = ({ log, clock, newId }: LogKeyStoreOptions): KeyStore => {
  const eventOf = ({ type, data }: DomainEvent): NewEvent => {
    const commandId = newId()
    return {
      id: newId(),
      type,
      data,
      metadata: {
        schemaVersion: 1,
        occurredAt: clock.now().toISOString(),
        actor: { kind: 'System', name: 'keyring' },
        commandId,
        correlationId: commandId,
        causationId: commandId,
      },
    }
  }
  const index = createKeyIndex(log, eventOf)

  const newest = async (uid: string): Promise<{ key: WrappedKey; revision: Revision } | undefined> => {
    assertUid(uid)
    for await (const { data, revision } of log.readStream(secretKeyStream(uid), { direction: 'backwards', limit: 1 })) {
      const { data: key } = wrappedKey.safeParse(data)
      if (key?.uid !== uid) throw secretUnreadable(`secret ${uid}`)
      return { key, revision }
    }
    return undefined
  }

  /** The key that stands on the stream after this. */
  const appendFirst = async (key: WrappedKey): Promise<WrappedKey> => {
    try {
      await log.append(secretKeyStream(key.uid), [eventOf({ type: secretKeyWrapped.type, data: key })], 'none')
      return key
    } catch (error) {
      if (!isError(error, wrongExpectedRevision) && !isError(error, streamTombstoned)) throw error
      const present = await newest(key.uid)
      if (present === undefined) throw secretKeyDestroyed(`secret ${key.uid}`)
      return present.key
    }
  }

  /** False when another has changed it since it was read. */
  const appendNext = async (key: WrappedKey, after: Revision): Promise<boolean> => {
    const stream = secretKeyStream(key.uid)
    try {
      await log.setRetention(stream, { maxCount: 1 })
      await log.append(stream, [eventOf({ type: secretKeyWrapped.type, data: key })], after)
      return true
    } catch (error) {
      if (isError(error, wrongExpectedRevision) || isError(error, streamTombstoned)) return false
      throw error
    }
  }

  return {
    read: async (uid) => (await newest(uid))?.key,
    async add(key, isKnown) {
      const kept = await appendFirst(key)
      // Listed after it is kept: a rotation elsewhere either finds it in the list, or has made its own key the newest there.
      const stranger = await index.list(kept, isKnown)
      if (stranger === undefined) return kept
      if (kept === key) await log.tombstone(secretKeyStream(key.uid))
      throw wrongMasterKey(stranger, key.masterKey, 'this mcpd')
    },
    async replace(uid, next) {
      for (let round = 1; round <= MAX_ROUNDS; round++) {
        const present = await newest(uid)
        if (present === undefined) return index.delist(uid) // it was destroyed: a key is kept before it is listed
        const key = next(present.key)
        if (key === present.key || (await appendNext(key, present.revision))) return index.relist(key)
      }
      throw wrongExpectedRevision(secretKeyStream(uid), 'none', await log.revisionOf(secretKeyStream(uid)))
    },
    async remove(uid) {
      assertUid(uid)
      await log.tombstone(secretKeyStream(uid))
      await index.delist(uid)
    },
    list: () => index.entries(),
  }
}
