import { randomBytes } from 'node:crypto'
import { constants, type FileHandle, link, open, readdir, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CodedError, codeOf } from '../../domain/kernel/errors.ts'
import { keyringUnavailable } from '../../domain/secret/keyring-errors.ts'

const UNFINISHED = '.tmp'
const DOOMED = '.gone'

/**
 * Writes a file that only its owner can read, so that after a crash at any moment there is the old content or the new,
 * and returns when it is on disk. What it replaces is overwritten, not only let go.
 *
 * @throws an errno error; EEXIST when `create` is set and the file is there.
 */
export const writeDurably = async (path: string, content: string, how: 'create' | 'replace'): Promise<void> => {
  const temporary = `${path}.${randomBytes(8).toString('hex')}${UNFINISHED}`
  try {
    await withFile(temporary, 'wx', async (file) => {
      await file.writeFile(content)
      await file.sync()
    })
    if (how === 'create') {
      await link(temporary, path) // unlike rename, refuses to replace what another has made meanwhile
      await unlink(temporary)
    } else {
      await replace(temporary, path)
    }
    await syncFolder(dirname(path))
  } catch (error) {
    await destroyFile(temporary)
    throw error
  }
}

/** Overwrites a file with random bytes and removes it. Missing: no effect. A crash in between is finished by `sweep`. */
export const destroyFile = async (path: string): Promise<void> => {
  const doomed = path.endsWith(UNFINISHED) || path.endsWith(DOOMED) ? path : `${path}${DOOMED}`
  try {
    if (doomed !== path) {
      await rename(path, doomed) // from here on nobody takes it for a key, and a crash does not bring it back
      await syncFolder(dirname(path))
    }
    await withFile(doomed, 'r+', overwrite)
    await unlink(doomed)
    await syncFolder(dirname(path))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Finishes what a crash has left half done in a folder, for files whose names begin with `prefix`. Only for the folder's one owner. */
export const sweep = async (folder: string, prefix = ''): Promise<void> => {
  for (const name of await readdir(folder))
    if (name.startsWith(prefix) && (name.endsWith(UNFINISHED) || name.endsWith(DOOMED)))
      await destroyFile(join(folder, name))
}

/** Makes names that were created or removed in a folder durable. */
export const syncFolder = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return // has no such thing
  await withFile(folder, 'r', (handle) => handle.sync())
}

/** Turns an error of the file system into one that says which file, and what to do; others pass. */
export const guarded = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const code = codeOf(error)
    if (typeof code !== 'string' || error instanceof CodedError) throw error
    throw keyringUnavailable(path, REASONS[code] ?? code)
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'too many open files',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  ELOOP: 'too many symbolic links',
}

const replace = async (temporary: string, path: string): Promise<void> => {
  const old = await open(path, constants.O_RDWR).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  })
  try {
    await rename(temporary, path)
    await syncFolder(dirname(path))
    if (old !== undefined) await overwrite(old)
  } finally {
    await old?.close()
  }
}

const overwrite = async (file: FileHandle): Promise<void> => {
  const { size, nlink } = await file.stat()
  if (nlink > 1) return // another name of a file that is in use
  await file.write(randomBytes(size), 0, size, 0)
  await file.sync()
}

const withFile = async <T>(path: string, flags: string, work: (file: FileHandle) => Promise<T>): Promise<T> => {
  const file = await open(path, flags, 0o600)
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}
