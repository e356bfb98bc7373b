import { constants, existsSync } from 'node:fs'
import { access, mkdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { open } from 'lmdb'
import type { NewId } from '../../domain/kernel/clock.ts'
import { CodedError, coded, codeOf, messageOf } from '../../domain/kernel/errors.ts'

/** 409: one mcpd owns a data folder. */
export const dataFolderInUse = coded(
  'data-folder-in-use',
  409,
  'Another mcpd works on this data folder',
  (folder: string, pid: number, since: string) => ({
    message: `mcpd with pid ${pid} has been working on ${folder} since ${since}`,
    hint: 'Stop that one first, or choose another folder with --data-folder',
    pid,
  }),
)

export const dataFolderNotWritable = coded(
  'data-folder-not-writable',
  500,
  'The data folder cannot be made or written',
  (folder: string, reason: string) => ({
    message: `the data folder ${folder} cannot be used: ${reason}`,
    hint: 'Make it writable for this user, with some room, or choose another one with --data-folder',
  }),
)

/** How a process is told from another one that later got its pid: something that stays the same while it lives; undefined when there is none of that pid. */
export type IdentifyProcess = (pid: number) => string | undefined

export interface DataFolder {
  readonly path: string
  /** Made once, with the folder: the same mcpd after a restart. */
  readonly id: string
  /** Where one part of mcpd keeps its files: `log`, `read-models`, … */
  part(name: string): string
  /** Gives the folder up. Not needed for correctness: a dead owner is recognised. */
  release(): Promise<void>
}

interface Owner {
  readonly pid: number
  readonly identity: string
  readonly since: string
  /** Which folder it owns: a copy of a folder in use is nobody's. */
  readonly place?: string
}

const OWNER = 'owner'
const ID = 'id'

/**
 * Opens the data folder (0700, made if missing) for this process alone.
 *
 * The owner is noted in a small lmdb database: its write lock is released by the kernel when a process dies, so "look
 * who owns it and take it" is one step that two starting programs cannot both win; no file has to be stolen or to get old.
 *
 * @throws DataFolderInUse naming the owner, DataFolderNotWritable
 */
export const openDataFolder = async (
  path: string,
  { identify, now, newId }: { readonly identify: IdentifyProcess; readonly now: Date; readonly newId: NewId },
): Promise<DataFolder> => {
  await usable(path, () => makeFolder(path))
  return usable(path, () => own(path, identify, now, newId))
}

const own = async (path: string, identify: IdentifyProcess, now: Date, newId: NewId): Promise<DataFolder> => {
  // Without overlappingSync each commit is whole on the disk: no crash of the machine leaves a lock that does not open.
  const lock = open<Owner | string, string>({ path: join(path, 'lock'), noSubdir: false, overlappingSync: false })
  const { dev, ino } = await stat(path, { bigint: true })
  const place = `${dev}:${ino}`
  const me: Owner = { pid: process.pid, identity: identify(process.pid) ?? 'unknown', since: now.toISOString(), place }
  const owns = (owner: Owner): boolean =>
    owner.pid !== me.pid && (owner.place ?? place) === place && identify(owner.pid) === owner.identity
  const other = lock.transactionSync(() => {
    const owner = lock.get(OWNER) as Owner | undefined
    if (owner !== undefined && owns(owner)) return owner
    lock.putSync(OWNER, me)
    if (lock.get(ID) === undefined) lock.putSync(ID, newId())
    return undefined
  })
  if (other !== undefined) {
    await lock.close()
    throw dataFolderInUse(path, other.pid, other.since)
  }
  return {
    path,
    id: String(lock.get(ID)),
    part: (name) => join(path, name),
    async release() {
      try {
        lock.transactionSync(() => {
          if ((lock.get(OWNER) as Owner | undefined)?.identity === me.identity) lock.removeSync(OWNER)
        })
      } catch {
        // A full disk, say: the next one sees that this process is dead.
      }
      await lock.close()
    },
  }
}

const makeFolder = async (path: string): Promise<void> => {
  await makeFolders(path)
  // A folder that is there keeps its mode: it may be a mount, or a wrong path that is not ours to change.
  if (!(await stat(path)).isDirectory()) throw new Error('it is no folder')
  await access(path, constants.W_OK | constants.X_OK)
}

/** Not Node's own `recursive`: below `/proc`, where nothing can be made, that one tries for ever. */
const makeFolders = async (path: string): Promise<void> => {
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path || existsSync(dirname(path))) throw error
    await makeFolders(dirname(path))
    await mkdir(path, { mode: 0o700 })
  }
}

const usable = async <T>(path: string, work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof CodedError) throw error
    // lmdb gives the number, Node the name.
    const full = codeOf(error) === 28 || codeOf(error) === 'ENOSPC'
    const reason = full ? 'no space is left on the device' : messageOf(error)
    throw dataFolderNotWritable(path, reason)
  }
}
