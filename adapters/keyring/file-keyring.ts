import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../../domain/kernel/errors.ts'
import { createTurns } from '../../domain/kernel/turns.ts'
import { secretUnreadable } from '../../domain/secret/keyring-errors.ts'
import { type WrappedKey, wrappedKey } from '../../domain/secret/wrapped-key.ts'
import { destroyFile, guarded, sweep, syncFolder, writeDurably } from './durable-file.ts'
import { assertUid, forEachKey, isUid, type KeyStore } from './key-store.ts'

/**
 * Data keys in `<dataFolder>/keys`, a file of mode 0600 each. Whoever opens it must own the data folder alone: what a
 * crash left half done is finished here.
 *
 * @throws KeyringUnavailable when the folder cannot be used.
 */
export const openFileKeyStore = async (options: { readonly dataFolder: string }): Promise<KeyStore> => {
  const folder = join(options.dataFolder, 'keys')
  await guarded(folder, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await syncFolder(options.dataFolder)
    await sweep(folder)
  })
  return fileKeyStore(folder)
}

const fileKeyStore = (folder: string): KeyStore => {
  // A key is read, changed and written, or destroyed, by one at a time: a rotation must not bring back what was just destroyed.
  const turns = createTurns()
  const path = (uid: string): string => {
    assertUid(uid)
    return join(folder, `${uid}.json`)
  }
  const read = (uid: string): Promise<WrappedKey | undefined> => guarded(path(uid), () => readKey(path(uid), uid))

  return {
    read,
    add: (key) =>
      turns.take(key.uid, async () => {
        const present = await read(key.uid)
        if (present !== undefined) return present
        await guarded(path(key.uid), () => writeDurably(path(key.uid), JSON.stringify(key), 'create'))
        return key
      }),
    replace: (uid, next) =>
      turns.take(uid, async () => {
        const present = await read(uid)
        const changed = present === undefined ? undefined : next(present)
        if (changed === undefined || changed === present) return
        await guarded(path(uid), () => writeDurably(path(uid), JSON.stringify(changed), 'replace'))
      }),
    remove: (uid) =>
      turns.take(uid, () =>
        guarded(path(uid), async () => {
          await destroyFile(path(uid))
          await destroyFile(`${path(uid)}.gone`) // an earlier attempt that failed half way
        }),
      ),
    async list() {
      const names = await guarded(folder, () => readdir(folder))
      const uids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length))
      const entries = await forEachKey(uids.filter(isUid), async (uid) => {
        const text = await guarded(path(uid), () => readText(path(uid)))
        const key = text === undefined ? undefined : parse(text, uid)
        return text === undefined ? [] : [{ uid, masterKey: key?.masterKey, createdAt: key?.createdAt }]
      })
      return entries.flat()
    },
  }
}

const readKey = async (path: string, uid: string): Promise<WrappedKey | undefined> => {
  const text = await readText(path)
  if (text === undefined) return undefined
  const key = parse(text, uid)
  if (key === undefined) throw secretUnreadable(`secret ${uid}`)
  return key
}

const readText = async (path: string): Promise<string | undefined> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Undefined when it is no key, or another secret's. */
const parse = (text: string, uid: string): WrappedKey | undefined => {
  try {
    const { data } = wrappedKey.safeParse(JSON.parse(text))
    return data?.uid === uid ? data : undefined
  } catch {
    return undefined
  }
}
