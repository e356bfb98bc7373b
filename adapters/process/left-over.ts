import { setTimeout as delay } from 'node:timers/promises'
import { endCgroup } from './cgroup.ts'
import { endGroup } from './group-signals.ts'
import {
  allProcesses,
  findProcess,
  type ProcessRow,
  TICKS_PER_SECOND,
  ticksNow,
  workingFolder,
} from './process-table.ts'
import type { RunRecord } from './run-record.ts'

/** Time between SIGTERM and SIGKILL for programs whose mcpd is gone: their stdin has ended, most have left already. */
export const LEFT_OVER_GRACE_MS = 500
/** How long a program may take from fork to its working folder; only looked for when mcpd died in that very moment. */
const FORK_WINDOW_MS = 1_000
const FORK_POLL_MS = 50

const leads = (row: ProcessRow) => row.pid === row.group && row.pid === row.session

/** The last start time that a program can have whose start was noted at `ticks`. */
const latestStart = (ticks: number) => ticks + (FORK_WINDOW_MS / 1_000) * TICKS_PER_SECOND

/** A program that was started but whose pid we had no time to note: a session leader in that folder, of that moment. */
const findIntended = ({ ticks, folder }: RunRecord): number[] => {
  if (ticks === undefined) return []
  return allProcesses()
    .filter((row) => leads(row) && Number(row.start) >= ticks - 1 && Number(row.start) <= latestStart(ticks))
    .filter((row) => workingFolder(row.pid) === folder)
    .map((row) => row.pid)
}

/**
 * The groups of a record that still run. A pid used again by another program is never taken for ours: the leader must
 * have the start time we noted, and where the leader is gone, a member must still work in our folder.
 */
const findGroups = (record: RunRecord): number[] => {
  const { group, start, folder } = record
  if (group === undefined) return findIntended(record)
  const leader = findProcess(group)
  if (leader !== undefined) return leader.start === start ? [group] : []
  const ours = allProcesses().some((row) => row.group === group && workingFolder(row.pid) === folder)
  return ours ? [group] : []
}

const ended = async (record: RunRecord): Promise<boolean> => {
  const results = await Promise.all(findGroups(record).map((group) => endGroup(group, LEFT_OVER_GRACE_MS)))
  const fled = record.cgroup === undefined || (await endCgroup(record.cgroup, LEFT_OVER_GRACE_MS))
  return fled && results.every(Boolean)
}

/**
 * A fork may be under way while we look, so we look until its window is over. Nothing is started in that time, here or
 * by the next mcpd: so what the watcher of the last one finds in that folder then is not the program of the next.
 */
const endIntended = async (record: RunRecord): Promise<boolean> => {
  for (;;) {
    const lastLook = (ticksNow() ?? 0) > latestStart(record.ticks ?? 0)
    if (!(await ended(record))) return false
    if (lastLook || record.ticks === undefined) return true
    await delay(FORK_POLL_MS)
  }
}

/**
 * Ends whatever of these still runs: SIGTERM, then SIGKILL, all at the same time.
 * @returns the records of which something is left all the same.
 */
export const endLeftOver = async (records: readonly RunRecord[]): Promise<RunRecord[]> => {
  const left = await Promise.all(
    records.map(async (record) => {
      const gone = record.group === undefined ? await endIntended(record) : await ended(record)
      return gone ? [] : [record]
    }),
  )
  return left.flat()
}
