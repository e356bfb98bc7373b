import { randomUUID } from 'node:crypto'
import { openFileKeyStore } from '../file-keyring.ts'
import type { KeyStore } from '../key-store.ts'
import { openKeyring } from '../keyring.ts'

/**
 * Opens the keyring of the data folder in its first argument and makes, rotates and destroys keys until it is killed. Writes a
 * character for each data key before it is wrapped anew and for each rotation that is recorded.
 */
const main = async (dataFolder: string): Promise<never> => {
  const store = await openFileKeyStore({ dataFolder })
  const told: KeyStore = {
    ...store,
    replace(uid, next) {
      process.stdout.write('.')
      return store.replace(uid, next)
    },
  }
  const log = () => {}
  const record = async () => void process.stdout.write('!')
  const keyring = await openKeyring({
    store: told,
    dataFolder,
    env: {},
    clock: { now: () => new Date() },
    logger: { debug: log, info: log, warn: log, error: log },
    record,
  })
  for (;;) {
    const uid = randomUUID()
    await keyring.create(uid)
    await keyring.rotate(record)
    await keyring.destroy(uid)
  }
}

await main(process.argv[2] ?? '')
