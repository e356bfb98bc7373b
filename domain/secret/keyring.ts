import type { SealedValue } from './resource.ts'

/**
 * One secret's data key (256 bits), ready to use. Its bytes never leave the adapter.
 *
 * AES-256-GCM with a random 96-bit nonce for every value. The secret's uid and the key's name are authenticated with
 * it, so a sealed value opens only where it was written.
 */
export interface DataKey {
  readonly uid: string
  /** Seals `value` (well-formed Unicode) as the value of `keyName`. Two calls never answer the same. */
  seal(keyName: string, value: string): SealedValue
  /** @throws SecretUnreadable when the value was altered, or sealed for another key name, secret or data key. */
  open(keyName: string, sealed: SealedValue): string
  /** Whether `sealed` holds `value`, compared in constant time. @throws SecretUnreadable */
  holds(keyName: string, sealed: SealedValue, value: string): boolean
}

/** A data key as it is listed: nothing in it is secret. */
export interface DataKeyEntry {
  /** The uid of the secret whose key it is. */
  readonly uid: string
  /** Id of the master key it is wrapped under; undefined when what is stored is damaged. */
  readonly masterKey: string | undefined
  /** ISO 8601 in UTC. */
  readonly createdAt: string | undefined
}

/** All data keys are wrapped under `to` from now on; `from` opens nothing any more. Both are ids: hashes, no keys. */
export interface MasterKeyRotation {
  readonly from: string
  readonly to: string
  /** How many data keys there are. */
  readonly rewrapped: number
}

/**
 * The data keys of all secrets, each wrapped under the one master key, outside the resources' streams, so that
 * destroying one makes every copy of that secret's ciphertext unreadable for good.
 *
 * A uid belongs to one life of a secret: after `destroy` it is not used again.
 *
 * Every method may throw KeyringUnavailable (disk full, folder not writable) or LogUnavailable, to be retried.
 *
 * @example
 * const key = await keyring.create(uid)
 * const sealed = key.seal('TOKEN', 'hunter2')
 * (await keyring.open(uid)).open('TOKEN', sealed) // 'hunter2'
 * await keyring.destroy(uid)                      // nothing opens `sealed` any more
 */
export interface Keyring {
  /** Id of the master key: the first 16 hex digits of a hash of it. */
  masterKeyId(): string

  /** Makes a data key, durable before it is answered. One that is there already is answered as it is: a repeat has one effect. */
  create(uid: string): Promise<DataKey>

  /** A data key that is kept nowhere: what a dry run seals with can never be opened. */
  ephemeral(uid: string): DataKey

  /** @throws SecretKeyDestroyed when there is none; WrongMasterKey; SecretUnreadable when it was altered. */
  open(uid: string): Promise<DataKey>

  /** Destroys a data key for good. Missing or destroyed already: no effect. */
  destroy(uid: string): Promise<void>

  /** Every data key there is, in no order. */
  list(): Promise<readonly DataKeyEntry[]>

  /** Opens every data key and answers how many there are. @throws what `open` throws, for the first that fails */
  check(): Promise<number>

  /**
   * Puts a new master key in place of the present one and wraps every data key anew; values are not touched. Killed at
   * any moment, the next start finishes it; failed, the next call does.
   *
   * @param record told of the rotation after the last data key was wrapped and before the old master key is given up;
   *   after an interruption perhaps twice of the same one.
   * @throws MasterKeyGiven when the master key comes from outside and only its owner can change it; SecretUnreadable when a
   *   data key is damaged: all others are wrapped anew, and the old master key stays until that secret is deleted.
   */
  rotate(record: RecordRotation): Promise<MasterKeyRotation>
}

/** Makes a rotation known, once however often it is told. */
export type RecordRotation = (rotation: MasterKeyRotation) => Promise<void>
