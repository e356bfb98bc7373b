import { setTimeout as delay } from 'node:timers/promises'
import { endGroup } from './group-signals.ts'
import { allProcesses, findProcess, type ProcessRow, TICKS_PER_SECOND, workingFolder } from './process-table.ts'
import type { RunRecord } from './run-record.ts'

/** Time between SIGTERM and SIGKILL for programs whose mcpd is gone: their stdin has ended, most have left already. */
export const LEFT_OVER_GRACE_MS = 500
/** How long a program may take from fork to its working folder; only looked for when mcpd died in that very moment. */
const FORK_WINDOW_MS = 1_000
const FORK_POLL_MS = 50

const leads = (row: ProcessRow) => row.pid === row.group && row.pid === row.session

/** A program that was started but whose pid we had no time to note: a session leader in that folder, of that moment. */
const findIntended = (record: RunRecord): number[] => {
  const { ticks, folder } = record
  if (ticks === undefined) return []
  const latest = ticks + (FORK_WINDOW_MS / 1_000) * TICKS_PER_SECOND
  return allProcesses()
    .filter((row) => leads(row) && Number(row.start) >= ticks - 1 && Number(row.start) <= latest)
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
  return results.every(Boolean)
}

/** A fork may be under way while we look, so an intention is looked for until its window is over. */
const endIntended = async (record: RunRecord): Promise<boolean> => {
  const deadline = performance.now() + FORK_WINDOW_MS
  while (performance.now() < deadline) {
    if (findIntended(record).length > 0) return ended(record)
    await delay(FORK_POLL_MS)
  }
  return true
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
