import { readFileSync } from 'node:fs'

/** Megabytes (of 1024 × 1024 bytes) of one process, without its children. Linux only. */
export interface Resident {
  /** What of it is in memory, files that are mapped included. */
  readonly rss: number
  /** The same, with what several processes share divided among them. */
  readonly pss: number
  /** What no file stands behind. */
  readonly anon: number
}

export const resident = (pid: number): Resident => {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const megabytes = (field: string) => {
    const kilobytes = Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1])
    return Math.round(kilobytes / 102.4) / 10
  }
  return { rss: megabytes('Rss'), pss: megabytes('Pss'), anon: megabytes('Anonymous') }
}
