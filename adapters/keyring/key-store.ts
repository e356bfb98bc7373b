import type { DataKeyEntry } from '../../domain/secret/keyring.ts'
import type { WrappedKey } from '../../domain/secret/wrapped-key.ts'

/**
 * Where wrapped data keys are kept. Knows no master key and opens nothing. Stores: `file-keyring.ts` (the embedded log's
 * companion) and `log-keyring.ts` (beside EventStoreDB); both pass `keyring-contract.ts`.
 */
export interface KeyStore {
  /**
   * Keeps a new key, durably, and answers the one that is kept: the one that was there first.
   * @param isKnown whether this mcpd has the master key of that id
   * @throws SecretKeyDestroyed; WrongMasterKey when another mcpd has changed the master key since this one read it
   */
  add(key: WrappedKey, isKnown: (masterKey: string) => boolean): Promise<WrappedKey>
  /** Undefined when there is none (any more). @throws SecretUnreadable when what is stored is damaged */
  read(uid: string): Promise<WrappedKey | undefined>
  /** Puts `next(present)` in place of the present one, unless it is the same. No effect when there is none: what is destroyed does not come back. */
  replace(uid: string, next: (present: WrappedKey) => WrappedKey): Promise<void>
  /** Destroys it for good. Repeating it has no effect. */
  remove(uid: string): Promise<void>
  list(): Promise<readonly DataKeyEntry[]>
}

/** Keys that are read or rewrapped at the same time. */
const KEYS_AT_ONCE = 16

/** Runs `work` for each of `items`, `KEYS_AT_ONCE` at a time, in order of the answers. */
export const forEachKey = async <Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
): Promise<Answer[]> => {
  const answers: Answer[] = []
  for (let from = 0; from < items.length; from += KEYS_AT_ONCE)
    answers.push(...(await Promise.all(items.slice(from, from + KEYS_AT_ONCE).map(work))))
  return answers
}

const UID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whether `text` can be a secret's uid: it becomes a file's and a stream's name. */
export const isUid = (text: string): boolean => UID.test(text)

/** @throws Error: a bug of ours */
export const assertUid = (uid: string): void => {
  if (!isUid(uid)) throw new Error(`not a uid: ${JSON.stringify(uid.slice(0, 80))}`)
}
