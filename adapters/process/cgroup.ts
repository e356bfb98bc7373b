import { readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeOf } from '../../domain/kernel/errors.ts'
import { KILL_WAIT_MS } from './group-signals.ts'
import { soWithin } from './poll.ts'

// One cgroup of version 2, as a folder. Loaded by the watcher too: nothing but node's own modules.

/** A file of a cgroup; undefined when the cgroup, or that file of it, is not there. */
export const readCgroup = (folder: string, file: string): string | undefined => {
  try {
    return readFileSync(join(folder, file), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENODEV') return undefined
    throw error
  }
}

/** The number behind a word in one of the files that are lines of `word number`. */
const counter = (text: string | undefined, word: string): number =>
  Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(text ?? '')?.[1] ?? 0)

/** Whether anything runs in it or below it; zombies do not count. */
const isPopulated = (folder: string): boolean => counter(readCgroup(folder, 'cgroup.events'), 'populated') > 0

/** Whether the system ended something in it because its memory was used up. */
export const ranOutOfMemory = (folder: string): boolean => counter(readCgroup(folder, 'memory.events'), 'oom_kill') > 0

export const pidsIn = (folder: string): readonly number[] =>
  (readCgroup(folder, 'cgroup.procs') ?? '').split('\n').filter(Boolean).map(Number)

const signalAll = (folder: string, signal: NodeJS.Signals): void => {
  for (const pid of pidsIn(folder))
    try {
      process.kill(pid, signal)
    } catch (error) {
      if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
    }
}

/** All at once, so that nothing forks on while it is ended. Before Linux 5.14 one after the other. */
const killAll = (folder: string): void => {
  try {
    writeFileSync(join(folder, 'cgroup.kill'), '1')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') signalAll(folder, 'SIGKILL')
    else throw error
  }
}

const isEmptyWithin = (folder: string, ms: number, whileNot?: () => void): Promise<boolean> =>
  soWithin(ms, () => !isPopulated(folder), whileNot)

/** Removes an empty cgroup; one that something is in or below stays. */
export const removeIfEmpty = (folder: string): void => {
  try {
    rmdirSync(folder)
  } catch (error) {
    // Somebody has entered it this very moment, or it has been removed.
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EBUSY' && codeOf(error) !== 'ENOTEMPTY') throw error
  }
}

/** Removes an empty cgroup with what a program may have made below it. */
export const removeCgroup = (folder: string): void => {
  for (const name of foldersIn(folder)) removeCgroup(join(folder, name))
  removeIfEmpty(folder)
}

/** Cgroups below one; none when it is not there. */
export const foldersIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/**
 * Ends everything in a cgroup, whatever sessions and groups it has fled into, and removes the cgroup: SIGTERM, SIGKILL
 * after `graceMs`. @returns whether nothing is left
 */
export const endCgroup = async (folder: string, graceMs: number): Promise<boolean> => {
  if (isPopulated(folder)) {
    signalAll(folder, 'SIGTERM')
    const gone =
      (await isEmptyWithin(folder, graceMs)) || (await isEmptyWithin(folder, KILL_WAIT_MS, () => killAll(folder)))
    if (!gone) return false
  }
  removeCgroup(folder)
  return true
}
