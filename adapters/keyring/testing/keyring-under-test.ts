import { expect } from 'vitest'
import type { Logger } from '../../../domain/kernel/logger.ts'
import type { Keyring, RecordRotation } from '../../../domain/secret/keyring.ts'
import type { KeyStore } from '../key-store.ts'
import type { MasterKeyEnv } from '../master-key-source.ts'

/** A place for data keys, and a data folder for the master key. */
export interface KeyringUnderTest {
  readonly dataFolder: string
  /** The store anew, as after a restart. */
  store(): Promise<KeyStore>
  close(): Promise<void>
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
export const ignore: RecordRotation = async () => {}

/** Opens the keyring of a place as mcpd does at its start. */
export type StartKeyring = (env?: MasterKeyEnv, record?: RecordRotation, store?: KeyStore) => Promise<Keyring>

export const rejects = (promise: Promise<unknown>, code: string): Promise<void> =>
  expect(promise).rejects.toMatchObject({ code })
