import { join } from 'node:path'
import { masterKeyInvalid, masterKeyMissing } from '../../domain/secret/keyring-errors.ts'
import { type MasterKey, parseMasterKey } from './master-key.ts'
import {
  createMasterKeyFile,
  type MasterKeys,
  readMasterKeyFile,
  replaceMasterKeyFile,
  sweepMasterKeyFile,
} from './master-key-file.ts'

/** The environment variables that are read here. mcpd passes none of them on to any child. */
export type MasterKeyEnv = Readonly<Record<string, string | undefined>>

/** The master key and how it may change. */
export interface MasterKeySource {
  /** Where it was found, for messages. */
  readonly where: string
  readonly keys: MasterKeys
  /** An older key that data keys may still be wrapped under, given from outside. */
  readonly given?: MasterKey
  /** The variable that names the key, when it comes from outside and is not ours to change. */
  readonly variable?: string
  /** Puts other keys in place of the present ones, safe against a crash at any moment. Absent when the key comes from outside. */
  replace?(keys: MasterKeys): Promise<void>
}

/**
 * Finds the master key: `MCPCTL_MASTER_KEY` (base64 or hex), the file `MCPCTL_MASTER_KEY_FILE`, or `<dataFolder>/master.key`, which
 * is made at the first start. A new one is never made when there are data keys that need another.
 *
 * @param needed ids of the master keys that the data keys are wrapped under
 * @throws MasterKeyMissing, MasterKeyInvalid, MasterKeyExposed, KeyringUnavailable
 */
export const findMasterKey = async (
  env: MasterKeyEnv,
  dataFolder: string,
  needed: ReadonlySet<string>,
): Promise<MasterKeySource> => {
  const given = await previousKey(env)
  const rest = given === undefined ? {} : { given }
  const text = env.MCPCTL_MASTER_KEY
  const named = env.MCPCTL_MASTER_KEY_FILE
  if (text && named)
    throw masterKeyInvalid('the environment', 'MCPCTL_MASTER_KEY and MCPCTL_MASTER_KEY_FILE are both set')
  if (text) {
    const keys = { current: fromVariable('MCPCTL_MASTER_KEY', text) }
    return { where: 'MCPCTL_MASTER_KEY', keys, variable: 'MCPCTL_MASTER_KEY', ...rest }
  }
  const path = named || join(dataFolder, 'master.key')
  const where = named ? `${path} (MCPCTL_MASTER_KEY_FILE)` : path
  const file = await readMasterKeyFile(path)
  if (file?.ours === false) return { where, keys: { current: file.key }, variable: 'MCPCTL_MASTER_KEY_FILE', ...rest }
  const replace = (keys: MasterKeys): Promise<void> => replaceMasterKeyFile(path, keys)
  if (file !== undefined) {
    await sweepMasterKeyFile(path)
    return { where, keys: file.keys, replace, ...rest }
  }
  const lost = [...needed].find((id) => id !== given?.id)
  if (lost !== undefined) throw masterKeyMissing(lost, `in ${where}`)
  if (named) throw masterKeyInvalid(where, 'the file does not exist')
  await sweepMasterKeyFile(path)
  return { where, keys: await createMasterKeyFile(path), replace, ...rest }
}

const previousKey = async (env: MasterKeyEnv): Promise<MasterKey | undefined> => {
  const text = env.MCPCTL_MASTER_KEY_PREVIOUS
  if (text) return fromVariable('MCPCTL_MASTER_KEY_PREVIOUS', text)
  const path = env.MCPCTL_MASTER_KEY_PREVIOUS_FILE
  if (!path) return undefined
  const file = await readMasterKeyFile(path)
  if (file === undefined) throw masterKeyInvalid(`${path} (MCPCTL_MASTER_KEY_PREVIOUS_FILE)`, 'the file does not exist')
  return file.ours ? file.keys.current : file.key
}

const fromVariable = (variable: string, text: string): MasterKey => {
  const key = parseMasterKey(text)
  if (key === undefined) throw masterKeyInvalid(variable, 'it is neither 32 bytes in base64 nor in hex')
  return key
}
