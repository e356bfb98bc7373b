import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** One process as the kernel tells it. */
export interface ProcessRow {
  readonly pid: number
  readonly group: number
  /** 0 where the system does not say. */
  readonly session: number
  readonly zombie: boolean
  /** When it started, in the system's own terms: with the pid and the boot it names one process for good. */
  readonly start: string
}

/** Clock ticks a second in `/proc`; the same for every Linux program. */
export const TICKS_PER_SECOND = 100

const linux = process.platform === 'linux'

const readOrUndefined = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return undefined // the process is gone, or the system has no such file: both mean "nothing to read"
  }
}

/**
 * The fields of a `/proc/<pid>/stat` from the third one (state, parent, group, …) on; none of what is no such text. The
 * program's name before them stands in parentheses and may contain anything, so they count from the last one.
 */
export const statFields = (text: string): readonly string[] => {
  const close = text.lastIndexOf(')')
  return close < 0 ? [] : text.slice(close + 2).split(' ')
}

/** A `/proc/<pid>/stat`; undefined for what is none. */
export const parseStat = (text: string): ProcessRow | undefined => {
  const fields = statFields(text)
  const [state, , group, session] = fields
  const start = fields[19]
  if (group === undefined || session === undefined || start === undefined) return undefined
  return {
    pid: Number.parseInt(text, 10),
    group: Number(group),
    session: Number(session),
    zombie: state === 'Z' || state === 'X',
    start,
  }
}

/** Output of `ps -A -o pid=,pgid=,stat=,lstart=`, where there is no `/proc`. */
export const parsePs = (text: string): ProcessRow[] =>
  text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line)
    if (match === null) return []
    const [, pid, group, state = '', start = ''] = match
    return [{ pid: Number(pid), group: Number(group), session: 0, zombie: state.startsWith('Z'), start }]
  })

const ps = (): ProcessRow[] =>
  parsePs(execFileSync('ps', ['-A', '-o', 'pid=,pgid=,stat=,lstart='], { encoding: 'utf8', env: { LC_ALL: 'C' } }))

/** Every process there is. Costs some milliseconds: not for hot paths. */
export const allProcesses = (): ProcessRow[] => {
  if (!linux) return ps()
  return readdirSync('/proc').flatMap((name) => {
    const text = /^\d+$/.test(name) ? readOrUndefined(`/proc/${name}/stat`) : undefined
    const row = text === undefined ? undefined : parseStat(text)
    return row === undefined ? [] : [row]
  })
}

/** One process, or undefined when there is none of that pid. */
export const findProcess = (pid: number): ProcessRow | undefined => {
  if (!linux) return ps().find((row) => row.pid === pid)
  const text = readOrUndefined(`/proc/${pid}/stat`)
  return text === undefined ? undefined : parseStat(text)
}

/** The folder a process works in; undefined where that cannot be known. */
export const workingFolder = (pid: number): string | undefined => {
  try {
    return linux ? readlinkSync(`/proc/${pid}/cwd`) : undefined
  } catch {
    return undefined // gone, or somebody else's
  }
}

/** Names this boot of the machine: pids and start times mean nothing beyond it. */
export const bootId = (): string => {
  const id = readOrUndefined('/proc/sys/kernel/random/boot_id')
  if (id !== undefined) return id.trim()
  return execFileSync('sysctl', ['-n', 'kern.boottime'], { encoding: 'utf8' }).trim()
}

/** Ticks since the machine started, in the terms of a `ProcessRow`'s start; undefined where there is no `/proc`. */
export const ticksNow = (): number | undefined => {
  const uptime = readOrUndefined('/proc/uptime')
  return uptime === undefined ? undefined : Math.floor(Number.parseFloat(uptime) * TICKS_PER_SECOND)
}
