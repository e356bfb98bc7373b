import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { KEY_BYTES } from './aead.ts'

/** The key that all data keys are wrapped under. Its bytes live in the KeyObject only. */
export interface MasterKey {
  /** First 16 hex digits of a hash of the key: says which one it is and nothing about it. */
  readonly id: string
  readonly key: KeyObject
}

/** Takes `bytes` over and zeroes them. */
export const masterKey = (bytes: Buffer): MasterKey => {
  const id = createHash('sha256').update('mcpctl master key id 1\0').update(bytes).digest('hex').slice(0, 16)
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return { id, key }
}

export const newMasterKey = (): MasterKey => masterKey(randomBytes(KEY_BYTES))

/** Reads 32 bytes written in hex, base64 or base64url; undefined when `text` is anything else. */
export const parseMasterKey = (text: string): MasterKey | undefined => {
  const trimmed = text.trim()
  if (/^[0-9a-fA-F]{64}$/.test(trimmed)) return masterKey(Buffer.from(trimmed, 'hex'))
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(trimmed)) return undefined
  const bytes = Buffer.from(trimmed, 'base64')
  return bytes.length === KEY_BYTES ? masterKey(bytes) : undefined
}
