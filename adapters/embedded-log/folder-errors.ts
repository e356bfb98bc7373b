import { statfsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { CodedError, coded, codeOf, messageOf } from '../../domain/kernel/errors.ts'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'

/** 500: the data folder was written by a newer version of the program; nothing in it was touched. */
export const dataFolderNewer = coded(
  'data-folder-newer',
  500,
  'The data folder was written by a newer version',
  (folder: string, found: number, known: number) => ({
    message: `the event log in ${folder} has format ${found}, this version knows formats up to ${known}`,
    hint: 'Start the newer version again, or use another data folder',
    found,
    known,
  }),
)

/** 500: the data folder cannot be created, read or written. */
export const dataFolderUnusable = coded(
  'data-folder-unusable',
  500,
  'The data folder cannot be created, read or written',
  (folder: string, reason: string) => ({
    message: `the event log cannot use ${folder}: ${reason}`,
    hint: 'Check the path, its owner and its permissions, or choose another data folder',
  }),
)

/** 500: there is a log file, but it is not one of ours or it is damaged. */
export const dataFolderCorrupt = coded(
  'data-folder-corrupt',
  500,
  'The event log in the data folder is damaged or something else',
  (folder: string, reason: string) => ({
    message: `the event log in ${folder} cannot be read: ${reason}`,
    hint: 'Restore the data folder from a backup, or use another one; nothing in it was changed',
  }),
)

/** A number from LMDB's or the operating system's error, turned into what a person can act on. */
const FULL = new Map<unknown, string>([
  [28, 'no space is left on the device'],
  [-30792, 'the log has reached the size that can be mapped'],
  [27, 'the log has reached the largest file size allowed'],
  [122, 'the disk quota is used up'],
])

const NO_ROOM = new Set(FULL.values())
const MAKE_ROOM = 'Make room on the disk of the data folder: nothing is lost, and mcpd needs no restart'
/** Longer than mcpctl waits by itself: people make room, not time. */
const FULL_RETRY_SECONDS = 60

/** LMDB calls a write that was cut short an I/O error, whatever the cause; with less room than this it is the room. */
const LITTLE_ROOM = 1024 * 1024

/** Whether the disk of a folder has hardly any room. */
export const isFull = async (folder: string): Promise<boolean> => {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize < LITTLE_ROOM
}

/** Most bytes that a character of an event takes on the disk. */
const BYTES_PER_CHARACTER = 3
const NO_SPACE = 28

/**
 * Asked before a write, because one that finds no room half way may cost more than itself: it corrupts the memory of lmdb-js
 * 3.5, which ends the program. Takes a microsecond.
 * @throws the system's error for a full disk
 */
export const expectRoom = (folder: string, characters: number): void => {
  const { bavail, bsize } = statfsSync(folder)
  if (bavail * bsize >= LITTLE_ROOM + BYTES_PER_CHARACTER * characters) return
  throw Object.assign(new Error('no space is left on the device'), { code: NO_SPACE })
}

const reasonOf = async (folder: string, error: unknown): Promise<string> => {
  const code = codeOf(error)
  const known = FULL.get(code)
  if (known !== undefined) return known
  if (code === 5 && (await isFull(folder))) return 'no space is left on the device'
  return messageOf(error)
}

/**
 * LogUnavailable with a reason, for anything that reading or writing the database threw. lmdb-js rejects a failed commit
 * with a general error whose `commitError` promise carries the cause; it must be taken, or it counts as unhandled.
 */
export const unavailable = async (folder: string, error: unknown): Promise<CodedError> => {
  let cause = error
  if (error instanceof Error && 'commitError' in error) {
    try {
      await error.commitError
    } catch (commitError) {
      cause = commitError
    }
  }
  if (cause instanceof CodedError) return cause
  const reason = await reasonOf(folder, cause)
  return NO_ROOM.has(reason)
    ? logUnavailable(reason, { hint: MAKE_ROOM, retryAfter: FULL_RETRY_SECONDS })
    : logUnavailable(reason)
}

/** The coded error for what opening the folder threw. */
export const openingFailed = (folder: string, error: unknown): CodedError => {
  if (error instanceof CodedError) return error
  const code = codeOf(error)
  const invalid = code === -30793 || code === -30794 || code === -30796 || code === -30797
  if (invalid) return dataFolderCorrupt(folder, messageOf(error))
  return dataFolderUnusable(folder, FULL.get(code) ?? messageOf(error))
}
