import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileKeyStore } from '../../../adapters/keyring/file-keyring.ts'
import { openKeyring } from '../../../adapters/keyring/keyring.ts'
import type { Keyring } from '../../../domain/secret/keyring.ts'

/** A real keyring in a folder of its own. */
export const temporaryKeyring = async (): Promise<{ keyring: Keyring; folder: string; remove(): Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'secrets-'))
  const keyring = await openKeyring({
    store: await openFileKeyStore({ dataFolder: folder }),
    dataFolder: folder,
    env: {},
    clock: { now: () => new Date() },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    record: async () => {},
  })
  return { keyring, folder, remove: () => rm(folder, { recursive: true }) }
}
