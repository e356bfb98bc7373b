import { createHmac, createSecretKey, type KeyObject, randomBytes, timingSafeEqual } from 'node:crypto'
import type { DataKey } from '../../domain/secret/keyring.ts'
import { secretUnreadable } from '../../domain/secret/keyring-errors.ts'
import type { SealedValue } from '../../domain/secret/resource.ts'
import type { WrappedKey } from '../../domain/secret/wrapped-key.ts'
import { KEY_BYTES, seal, unseal } from './aead.ts'
import type { MasterKey } from './master-key.ts'

/** 256 new random bits. They live in the KeyObject only, outside the JavaScript heap. */
export const newKey = (): KeyObject => {
  const bytes = randomBytes(KEY_BYTES)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** Wraps a data key under a master key. */
export const wrap = (master: MasterKey, uid: string, createdAt: string, key: KeyObject): WrappedKey => {
  const bytes = key.export()
  const sealed = seal(master.key, bytes, wrapContext(uid, master.id))
  bytes.fill(0)
  return { uid, masterKey: master.id, createdAt, ...sealed }
}

/** @throws SecretUnreadable when the wrapped key was altered or is another secret's. */
export const unwrap = (master: MasterKey, uid: string, wrapped: WrappedKey): KeyObject => {
  let bytes: Buffer | undefined
  try {
    bytes = unseal(master.key, wrapped, wrapContext(uid, master.id))
    return createSecretKey(bytes)
  } catch {
    throw secretUnreadable(`secret ${uid}`)
  } finally {
    bytes?.fill(0)
  }
}

/** The port's DataKey over the key itself. */
export const dataKey = (uid: string, key: KeyObject): DataKey => {
  const open = (keyName: string, sealed: SealedValue): Buffer => {
    try {
      return unseal(key, sealed, valueContext(uid, keyName))
    } catch {
      throw secretUnreadable(`secret ${uid}`, keyName)
    }
  }
  return {
    uid,
    seal(keyName, value) {
      const plain = Buffer.from(value, 'utf8')
      const sealed = seal(key, plain, valueContext(uid, keyName))
      plain.fill(0)
      return sealed
    },
    open(keyName, sealed) {
      const plain = open(keyName, sealed)
      const value = plain.toString('utf8')
      plain.fill(0)
      return value
    },
    holds(keyName, sealed, value) {
      const present = open(keyName, sealed)
      const other = Buffer.from(value, 'utf8')
      const equal = sameBytes(present, other)
      present.fill(0)
      other.fill(0)
      return equal
    },
  }
}

/** Compares under a random key of its own, so that not even the lengths show in the time it takes. */
const sameBytes = (a: Buffer, b: Buffer): boolean => {
  const once = randomBytes(KEY_BYTES)
  const digest = (bytes: Buffer): Buffer => createHmac('sha256', once).update(bytes).digest()
  return timingSafeEqual(digest(a), digest(b))
}

// JSON keeps the parts apart: no two lists of strings are written the same.
const valueContext = (uid: string, keyName: string): string => JSON.stringify(['mcpctl secret value 1', uid, keyName])
const wrapContext = (uid: string, masterKey: string): string => JSON.stringify(['mcpctl data key 1', uid, masterKey])
