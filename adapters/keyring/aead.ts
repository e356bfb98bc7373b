import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import type { SealedValue } from '../../domain/secret/resource.ts'

const ALGORITHM = 'aes-256-gcm'
export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** AES-256-GCM with a fresh random nonce. `context` is authenticated and has to be the same when it is opened. */
export const seal = (key: KeyObject, plain: Buffer, context: string): SealedValue => {
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(context))
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final()])
  return {
    nonce: nonce.toString('base64'),
    ciphertext: ciphertext.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
  }
}

/** The plaintext, to be zeroed after use. @throws Error (without any of it) when anything at all was changed */
export const unseal = (key: KeyObject, sealed: SealedValue, context: string): Buffer => {
  const nonce = exactBase64(sealed.nonce, NONCE_BYTES)
  const tag = exactBase64(sealed.tag, TAG_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(tag)
  const plain = decipher.update(exactBase64(sealed.ciphertext))
  try {
    decipher.final()
  } catch (error) {
    plain.fill(0) // not authenticated: nobody may see it
    throw error
  }
  return plain // GCM's final() adds nothing
}

/** Decodes base64 in its one canonical form: Node's decoder would overlook a changed character. */
const exactBase64 = (text: string, bytes?: number): Buffer => {
  const decoded = Buffer.from(text, 'base64')
  if (decoded.toString('base64') !== text) throw new Error('not canonical base64')
  if (bytes !== undefined && decoded.length !== bytes) throw new Error(`${bytes} bytes expected`)
  return decoded
}
