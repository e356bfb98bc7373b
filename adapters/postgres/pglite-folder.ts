import { existsSync } from 'node:fs'
import { lstat, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { uptime } from 'node:os'
import { join } from 'node:path'
import type { Logger } from '../../domain/kernel/logger.ts'

/** Raised when folders of an older layout or PGlite cannot be used: they are then filled anew. */
const LAYOUT = 1

/** Files that are being made are whole for no run of the machine. */
const NO_BOOT = ''

interface Mark {
  readonly layout: number
  readonly boot: string
  /** Whether the files were closed and flushed. */
  readonly clean: boolean
}

/** PGlite's files and what is known of how they were left. Rows are disposable: the log has them all. */
export interface PGliteFolder {
  readonly data: string
  /** Marks the files as in use, after throwing away what cannot be trusted or is in the way. */
  begin(): Promise<void>
  /** Throws the rows away. Until `made`, what is put in their place is not trusted: a kill may leave half a database. */
  discard(): Promise<void>
  /** Says that there is a whole database. */
  made(): Promise<void>
  /** Flushes what this run changed and marks the files as whole. */
  end(): Promise<void>
}

/** Whether a database has been made there, whatever state it is in. */
export const hasPGlite = (folder: string): boolean => existsSync(join(folder, 'pgdata', 'PG_VERSION'))

/** PGlite never flushes its files: after a crash of the machine they may be anything, after one of the program they are whole. */
export const pgliteFolder = (folder: string, logger: Logger): PGliteFolder => {
  const data = join(folder, 'pgdata')
  const markFile = join(folder, 'state.json')
  let began = 0
  const write = async (clean: boolean, boot?: string): Promise<void> => {
    const mark: Mark = { layout: LAYOUT, boot: boot ?? (await bootId()), clean }
    await writeFile(markFile, JSON.stringify(mark), { mode: 0o600 })
    await flush(markFile)
  }
  const discard = async (): Promise<void> => {
    await write(false, NO_BOOT)
    await rm(data, { recursive: true, force: true })
  }
  return {
    data,
    discard,
    made: () => write(false),
    async begin() {
      await makeWay(folder, 'folder', logger)
      await makeWay(markFile, 'file', logger)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const mark = await readMark(markFile)
      const whole = mark !== undefined && mark.layout === LAYOUT && (mark.clean || mark.boot === (await bootId()))
      if (whole && hasPGlite(folder)) await write(false)
      else await discard()
      began = Date.now()
    },
    async end() {
      for (const name of await readdir(data, { recursive: true })) {
        const file = join(data, name)
        const { mtimeMs, isFile } = await stat(file).then((it) => ({ mtimeMs: it.mtimeMs, isFile: it.isFile() }))
        if (isFile && mtimeMs >= began - 2000) await flush(file)
      }
      await write(true)
    },
  }
}

/** Removes what is not what belongs there: nothing of it is ours, and each start would fail on it. */
const makeWay = async (path: string, wanted: 'folder' | 'file', logger: Logger): Promise<void> => {
  if ((await lstat(path).catch(unlessMissing)) === undefined) return
  const found = await stat(path).catch(unlessMissing)
  if (wanted === 'folder' ? found?.isDirectory() : found?.isFile()) return
  logger.warn({ path }, `what is in place of a ${wanted} of the embedded read models is removed`)
  await rm(path, { recursive: true, force: true })
}

const unlessMissing = (error: NodeJS.ErrnoException): undefined => {
  if (error.code !== 'ENOENT') throw error
}

const flush = async (file: string): Promise<void> => {
  const handle = await open(file, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const readMark = async (file: string): Promise<Mark | undefined> => {
  try {
    const mark: unknown = JSON.parse(await readFile(file, 'utf8'))
    return typeof mark === 'object' && mark !== null && 'boot' in mark ? (mark as Mark) : undefined
  } catch {
    return undefined // missing or cut off: nothing is known of the files
  }
}

/** Identity of the machine's present run. Where the system has none, the minute it was started in: a wrong guess costs a replay. */
const bootId = async (): Promise<string> => {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
  } catch {
    return `boot-${Math.round((Date.now() / 1000 - uptime()) / 60)}`
  }
}
