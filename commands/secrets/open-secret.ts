import type { Keyring } from '../../domain/secret/keyring.ts'
import type { StoredSecretSpec } from '../../domain/secret/resource.ts'

/** All values of a secret, by key. */
export type SecretValues = Readonly<Record<string, string>>

/**
 * Opens a secret. What this answers goes to a driver, an instance's environment or a request header, nowhere else.
 *
 * @throws SecretKeyDestroyed, SecretUnreadable (with the key's name, never a value), WrongMasterKey
 */
export const openSecretValues = async (
  uid: string,
  stored: StoredSecretSpec,
  keyring: Keyring,
): Promise<SecretValues> => {
  const key = await keyring.open(uid)
  return Object.fromEntries(Object.entries(stored.data).map(([name, sealed]) => [name, key.open(name, sealed)]))
}
