import { readFile, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { z } from 'zod'
import { codeOf } from '../../domain/kernel/errors.ts'
import { masterKeyExposed, masterKeyInvalid } from '../../domain/secret/keyring-errors.ts'
import { guarded, sweep, writeDurably } from './durable-file.ts'
import { type MasterKey, newMasterKey, parseMasterKey } from './master-key.ts'

/** The present master key and, while a rotation is under way, the one it replaces. */
export interface MasterKeys {
  readonly current: MasterKey
  readonly previous?: MasterKey
}

const entry = z.object({ id: z.string(), key: z.string() })
const content = z.object({ version: z.literal(1), current: entry, previous: entry.optional() })

/** What a file of a master key holds: keys that are ours to rotate, or one that somebody wrote there by hand. */
export type MasterKeyFile =
  | { readonly ours: true; readonly keys: MasterKeys }
  | { readonly ours: false; readonly key: MasterKey }

/**
 * Reads a master key file; undefined when there is none. One that others than its owner can read or write is refused.
 * @throws MasterKeyExposed, MasterKeyInvalid, KeyringUnavailable
 */
export const readMasterKeyFile = (path: string): Promise<MasterKeyFile | undefined> =>
  guarded(path, async () => {
    try {
      const { mode } = await stat(path)
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw masterKeyExposed(path, mode & 0o777)
      return parse(path, await readFile(path, 'utf8'))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  })

/** Makes the first master key. Another process that was faster wins: its key is answered. @throws KeyringUnavailable */
export const createMasterKeyFile = (path: string): Promise<MasterKeys> =>
  guarded(path, async () => {
    const keys = { current: newMasterKey() }
    try {
      await writeDurably(path, format(keys), 'create')
      return keys
    } catch (error) {
      const present = codeOf(error) === 'EEXIST' ? await readMasterKeyFile(path) : undefined
      if (present?.ours !== true) throw error
      return present.keys
    }
  })

/** Replaces the file as a whole: after a crash it holds the old keys or the new. What was there is overwritten. @throws KeyringUnavailable */
export const replaceMasterKeyFile = (path: string, keys: MasterKeys): Promise<void> =>
  guarded(path, () => writeDurably(path, format(keys), 'replace'))

/** Destroys what a killed process has left half written beside the file. Only for the data folder's one owner. */
export const sweepMasterKeyFile = (path: string): Promise<void> =>
  guarded(path, async () => {
    try {
      await sweep(dirname(path), `${basename(path)}.`)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  })

const format = ({ current, previous }: MasterKeys): string => {
  const entryOf = ({ id, key }: MasterKey) => ({ id, key: key.export().toString('base64') })
  const file = { version: 1, current: entryOf(current), ...(previous && { previous: entryOf(previous) }) }
  return `${JSON.stringify(file, null, 2)}\n`
}

const parse = (path: string, text: string): MasterKeyFile => {
  if (!text.trimStart().startsWith('{')) {
    const key = parseMasterKey(text)
    if (key === undefined) throw masterKeyInvalid(path, 'it holds neither 32 bytes in base64 nor in hex')
    return { ours: false, key }
  }
  const { data } = content.safeParse(parseJson(text))
  if (data === undefined) throw masterKeyInvalid(path, 'it is damaged, or written by a newer version')
  const current = decode(path, data.current)
  return {
    ours: true,
    keys: data.previous === undefined ? { current } : { current, previous: decode(path, data.previous) },
  }
}

const decode = (path: string, { id, key }: z.output<typeof entry>): MasterKey => {
  const decoded = parseMasterKey(key)
  if (decoded?.id !== id) throw masterKeyInvalid(path, `the key ${id} in it is damaged`)
  return decoded
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // never its message: that quotes the text
  }
}
