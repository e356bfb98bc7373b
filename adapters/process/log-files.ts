import { type FileHandle, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { LogLine } from '../../domain/instance/runtime.ts'
import { codeOf } from '../../domain/kernel/errors.ts'
import { parseLines } from './log-lines.ts'

/** A file is followed by a new one when it has grown to this. */
export const LOG_FILE_BYTES = 1024 * 1024
/** Files kept of each run; the run before is kept, too. */
export const LOG_FILES = 3

export type Run = 'current' | 'previous'

const isMissing = (error: unknown): boolean => codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'

const move = async (from: string, to: string): Promise<void> => {
  try {
    await rename(from, to)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

const namesIn = async (folder: string): Promise<string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

const readIfThere = async (file: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isMissing(error)) return ''
    throw error
  }
}

const nameOf = (run: Run, age: number) => `${run}.${age}.log`

/**
 * The files of one instance's log: `current.0.log` is being written, higher numbers are older, `previous.*` is the run
 * before. Calls must not overlap: the caller makes them one after another.
 */
export const logFiles = (folder: string, fileBytes = LOG_FILE_BYTES) => {
  const fileOf = (run: Run, age: number) => join(folder, nameOf(run, age))
  let handle: FileHandle | undefined
  let size = 0

  const close = async () => {
    const last = handle
    handle = undefined
    await last?.close()
  }

  const writable = async (): Promise<FileHandle> => {
    if (handle === undefined) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      handle = await open(fileOf('current', 0), 'a', 0o600)
      size = (await handle.stat()).size
      // A write that failed or was killed may have left half a line: what follows begins on a line of its own.
      if (size > 0) size += (await handle.write('\n')).bytesWritten
    }
    return handle
  }

  return {
    close,

    /** The present run becomes the run before. */
    async startRun(): Promise<void> {
      await close()
      const there = new Set(await namesIn(folder))
      for (let age = 0; age < LOG_FILES; age++) {
        if (there.has(nameOf('previous', age))) await rm(fileOf('previous', age))
        if (there.has(nameOf('current', age))) await rename(fileOf('current', age), fileOf('previous', age))
      }
    },

    /** Appends whole lines. After an error the next call starts afresh. */
    async write(text: string): Promise<void> {
      try {
        const file = await writable()
        const { bytesWritten } = await file.write(text)
        size += bytesWritten
        if (bytesWritten < Buffer.byteLength(text)) throw new Error('The disk took only part of a log write')
        if (size < fileBytes) return
        await close()
        for (let age = LOG_FILES - 1; age > 0; age--) await move(fileOf('current', age - 1), fileOf('current', age))
      } catch (error) {
        await close().catch(() => {}) // the error that matters is the first
        throw error
      }
    },

    /** Lines of a run, oldest first, from the newest file back until `enough` says so. */
    async read(run: Run, enough: (lines: readonly LogLine[]) => boolean): Promise<LogLine[]> {
      let lines: LogLine[] = []
      for (let age = 0; age < LOG_FILES && !enough(lines); age++) {
        lines = [...parseLines(await readIfThere(fileOf(run, age))), ...lines]
      }
      return lines
    },

    async remove(): Promise<void> {
      await close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
