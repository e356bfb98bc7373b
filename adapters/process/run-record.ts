import { appendFileSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { bootId, findProcess, ticksNow } from './process-table.ts'

/**
 * What is known of one process group. Written before the program is started (without `group`), so that there is no
 * moment at which a program runs that nobody knows of, and again right after.
 */
export interface RunRecord {
  readonly key: string
  readonly boot: string
  /** Working folder of the program: how it is found when we died between starting it and noting its pid. */
  readonly folder: string
  /** `ticksNow()` before the start. */
  readonly ticks?: number
  readonly group?: number
  /** Start time of the group's leader. */
  readonly start?: string
  /** Folder of the cgroup that all of it is in, whatever groups it has fled into. Its name is of this program alone. */
  readonly cgroup?: string
}

const isGroup = (value: unknown) => Number.isSafeInteger(value) && Number(value) > 1
const isOptional = (value: unknown, type: 'string' | 'number') => value === undefined || typeof value === type

const isRecord = (value: unknown): value is RunRecord => {
  if (typeof value !== 'object' || value === null) return false
  const { key, boot, folder, ticks, group, start, cgroup }: Partial<Record<keyof RunRecord, unknown>> = value
  const named = typeof key === 'string' && typeof boot === 'string' && typeof folder === 'string'
  const ours = cgroup === undefined || (typeof cgroup === 'string' && typeof key === 'string' && cgroup.endsWith(key))
  return (
    named &&
    ours &&
    isOptional(ticks, 'number') &&
    isOptional(start, 'string') &&
    (group === undefined || isGroup(group))
  )
}

/** By hand rather than with zod: the watcher loads this, and should stay as small as node itself. */
export const parseRecord = (line: string): RunRecord | undefined => {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined // half a line: we died writing it, and the line before says enough
  }
}

const boot = bootId()

/** The record of a program that is about to be started in `folder`. */
export const intention = (key: string, folder: string, cgroup?: string): RunRecord => {
  const ticks = ticksNow()
  return { key, boot, folder, ...(ticks === undefined ? {} : { ticks }), ...(cgroup === undefined ? {} : { cgroup }) }
}

/** The same once it runs. */
export const started = (intended: RunRecord, pid: number): RunRecord => {
  const start = findProcess(pid)?.start
  return { ...intended, group: pid, ...(start === undefined ? {} : { start }) }
}

/**
 * One small file a process group, in `folder`. Synchronous, because nothing may happen between starting a program and
 * noting it; not flushed, because after a crash of the machine no process is left to look for.
 */
export const openRunRecords = (folder: string) => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const fileOf = (key: string) => join(folder, `${key}.jsonl`)
  return {
    /** Records of this boot that a former run left; those of former boots are removed. */
    leftOver(): RunRecord[] {
      return readdirSync(folder).flatMap((name) => {
        const last = readFileSync(join(folder, name), 'utf8').split('\n').map(parseRecord).findLast(Boolean)
        if (last?.boot === boot) return [last]
        rmSync(join(folder, name), { force: true })
        return []
      })
    },
    intend(intended: RunRecord): void {
      const file = openSync(fileOf(intended.key), 'wx', 0o600)
      try {
        writeSync(file, `${JSON.stringify(intended)}\n`)
      } catch (error) {
        rmSync(fileOf(intended.key), { force: true })
        throw error
      } finally {
        closeSync(file)
      }
    },
    amend(known: RunRecord): void {
      appendFileSync(fileOf(known.key), `${JSON.stringify(known)}\n`)
    },
    forget(key: string): void {
      rmSync(fileOf(key), { force: true })
    },
  }
}
