import type { Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readFile, readlink, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { codeOf, messageOf } from '../../domain/kernel/errors.ts'
import { CliError } from '../errors.ts'

/** Largest file that is edited. Claude Code keeps a history in its own, which grows to some megabytes. */
const MAX_BYTES = 64 * 1024 * 1024
const MAX_LINKS = 40
/** How long another mcpctl that writes the same file is waited for. */
const LOCK_PATIENCE_MS = 3000
const LOCK_PAUSE_MS = 50

/** A client's file as it was read; `text` is undefined where there is none. */
export interface ClientFile {
  /** The file itself: links are followed. */
  readonly path: string
  readonly text: string | undefined
}

/** Who may read a file that is made. */
export interface NewFileModes {
  readonly file: number
  readonly folder: number
}

/**
 * Reads a file, through symbolic links.
 * @throws CliError `bad-client-config` for what is no file, too large or no UTF-8; `cannot-read`
 */
export const readClientFile = async (given: string): Promise<ClientFile> => {
  const path = await targetOf(given)
  try {
    const found = await stat(path)
    if (!found.isFile()) throw bad(`${path} is no file`)
    if (found.size > MAX_BYTES) throw bad(`${path} is larger than ${MAX_BYTES / 1024 / 1024} MiB`)
    return { path, text: decoded(path, await readFile(path)) }
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { path, text: undefined }
    throw error instanceof CliError ? error : failed('read', path, error)
  }
}

/**
 * Puts a text in a file's place: written beside it, flushed, renamed over it, with the mode and the owner that it had. Folders
 * that are missing are made.
 * @param file as it was read: one that has changed since is left alone
 * @param text undefined to remove the file
 * @returns the folders that were made, outermost first
 * @throws CliError `changed-meanwhile`, `busy`, `cannot-write`; the file is then as it was
 */
export const writeClientFile = async (
  file: ClientFile,
  text: string | undefined,
  modes: NewFileModes,
  sleep: (ms: number) => Promise<void>,
): Promise<readonly string[]> => {
  const { path } = file
  const folders = await makeFolders(dirname(path), modes.folder)
  const beside = join(dirname(path), `.${basename(path)}.mcpctl`)
  try {
    const handle = await locked(beside, path, sleep)
    try {
      await replace(handle, beside, file, text, modes.file)
    } catch (error) {
      await unlink(beside)
      throw error
    }
    await flushFolder(dirname(path))
    return folders
  } catch (error) {
    await removeFolders(folders)
    throw error instanceof CliError ? error : failed('written', path, error)
  }
}

/** Removes folders that hold nothing, innermost first. */
export const removeFolders = async (folders: readonly string[]): Promise<void> => {
  for (const folder of [...folders].reverse())
    try {
      await rmdir(folder)
    } catch (error) {
      if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(String(codeOf(error)))) throw error
      return
    }
}

/**
 * The file that is to come is the lock at the same time: whoever has made it writes, and renaming it gives it free. One that a
 * killed mcpctl has left is not removed, for nobody can tell, and two that try could each take the other's.
 */
const locked = async (beside: string, path: string, sleep: (ms: number) => Promise<void>): Promise<FileHandle> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await open(beside, 'wx', 0o600)
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
    }
    if (attempt >= LOCK_PATIENCE_MS / LOCK_PAUSE_MS)
      throw new CliError('busy', `another mcpctl writes ${path}`, { hint: `Try again; if none does, remove ${beside}` })
    await sleep(LOCK_PAUSE_MS)
  }
}

const replace = async (
  handle: FileHandle,
  beside: string,
  { path, text: before }: ClientFile,
  text: string | undefined,
  mode: number,
): Promise<void> => {
  try {
    if (text !== undefined) {
      const old = before === undefined ? undefined : await statOf(path)
      await handle.writeFile(text)
      const own = await handle.stat()
      if (old !== undefined && (old.uid !== own.uid || old.gid !== own.gid)) await handle.chown(old.uid, old.gid)
      await handle.chmod(old === undefined ? mode : old.mode & 0o7777)
      await handle.sync()
    }
  } finally {
    await handle.close()
  }
  if ((await readClientFile(path)).text !== before) throw changedMeanwhile(path)
  if (text !== undefined) return await rename(beside, path)
  await unlink(path)
  await unlink(beside)
}

const statOf = async (path: string): Promise<Stats> => {
  try {
    return await stat(path)
  } catch (error) {
    throw codeOf(error) === 'ENOENT' ? changedMeanwhile(path) : error
  }
}

/** A rename lasts over a crash of the machine once the folder is flushed. Where that cannot be done, the file is written all the same. */
const flushFolder = async (folder: string): Promise<void> => {
  try {
    const handle = await open(folder, 'r')
    await handle.sync().finally(() => handle.close())
  } catch (error) {
    if (codeOf(error) === undefined) throw error
  }
}

const makeFolders = async (folder: string, mode: number): Promise<readonly string[]> => {
  try {
    const first = await mkdir(folder, { recursive: true, mode })
    const made: string[] = []
    for (let each = folder; first !== undefined; each = dirname(each)) {
      made.unshift(each)
      if (each === resolve(first)) break
    }
    return made
  } catch (error) {
    throw failed('written', folder, error)
  }
}

/** The file that a path leads to, whether it is there or not. */
const targetOf = async (given: string): Promise<string> => {
  let path = resolve(given)
  for (let links = 0; links < MAX_LINKS; links += 1)
    try {
      if (!(await lstat(path)).isSymbolicLink()) return path
      path = resolve(dirname(path), await readlink(path))
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return path
      throw failed('read', path, error)
    }
  throw bad(`${given} is a symbolic link that leads nowhere`)
}

const decoded = (path: string, bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw bad(`${path} is no UTF-8`)
  }
}

const changedMeanwhile = (path: string): CliError =>
  new CliError('changed-meanwhile', `${path} has been changed meanwhile`, { hint: 'Nothing was written; run it again' })

const bad = (message: string): CliError =>
  new CliError('bad-client-config', message, { hint: 'Nothing was changed. Mend it, or take the entry from --print' })

const failed = (done: 'read' | 'written', path: string, error: unknown): CliError => {
  return new CliError(
    done === 'read' ? 'cannot-read' : 'cannot-write',
    `${path} cannot be ${done}: ${messageOf(error)}`,
    {
      hint: 'Nothing was changed. --print shows the entry, to add it by hand',
      cause: error,
    },
  )
}
