import { codeOf } from '../../domain/kernel/errors.ts'
import { soWithin } from './poll.ts'
import { allProcesses } from './process-table.ts'

/** How long after SIGKILL we go on looking before a group counts as not to be ended (a process stuck in the kernel). */
export const KILL_WAIT_MS = 5_000
const ZOMBIE_LOOK_MS = 100

/** Signals a whole process group; nothing happens when it is gone. */
export const signalGroup = (group: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-group, signal)
  } catch (error) {
    // EPERM: macOS for a group of zombies only; Linux for one that changed its user. Neither can be signalled by us.
    if (codeOf(error) !== 'ESRCH' && codeOf(error) !== 'EPERM') throw error
  }
}

/** Whether any process of the group is left, zombies included. Cheap. */
const groupExists = (group: number): boolean => {
  try {
    process.kill(-group, 0)
    return true
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false
    if (codeOf(error) === 'EPERM') return process.platform !== 'darwin'
    throw error
  }
}

/** Whether only zombies are left. They stay where process 1 does not reap, as in a container without an init. */
const onlyZombies = (group: number): boolean => !allProcesses().some((row) => row.group === group && !row.zombie)

/** Waits until nothing of the group is left. @returns whether that came within `ms`. */
export const groupGone = async (group: number, ms: number): Promise<boolean> =>
  (await soWithin(ms, () => !groupExists(group))) || onlyZombies(group)

/**
 * Waits until nothing of a group that got SIGKILL is left, `KILL_WAIT_MS` at most. Looks at zombies early: whoever
 * adopted them may take its time.
 */
export const killedGroupGone = async (group: number): Promise<boolean> => {
  const deadline = performance.now() + KILL_WAIT_MS
  while (performance.now() < deadline) if (await groupGone(group, ZOMBIE_LOOK_MS)) return true
  return false
}

/** SIGTERM, SIGKILL after `graceMs`, and waits. @returns whether nothing is left. */
export const endGroup = async (group: number, graceMs: number): Promise<boolean> => {
  if (!groupExists(group)) return true
  signalGroup(group, 'SIGTERM')
  if (await groupGone(group, graceMs)) return true
  signalGroup(group, 'SIGKILL')
  return killedGroupGone(group)
}
