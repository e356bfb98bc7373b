import { type ChildProcess, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import type { Limits } from '../../domain/instance/runtime.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { endCgroup, ranOutOfMemory, removeCgroup } from './cgroup.ts'
import { assertStartable } from './command-file.ts'
import { type Confinement, openConfinements } from './confinement.ts'
import { endGroup, groupGone, KILL_WAIT_MS, killedGroupGone, signalGroup } from './group-signals.ts'
import { endLeftOver, LEFT_OVER_GRACE_MS } from './left-over.ts'
import { intention, openRunRecords, type RunRecord, started } from './run-record.ts'
import { startWatcher } from './watcher.ts'

interface GroupOptions {
  /** Absolute and without symbolic links. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly stdin: 'pipe' | 'ignore'
  readonly limits?: Limits
  /** For people who look at cgroups: letters, digits, `-` and `_`. */
  readonly label?: string
}

/** A program that leads a process group of its own, stdout and stderr piped. */
export interface Group {
  readonly child: ChildProcess
  readonly pid: number
  /**
   * Settles when nothing of the group is left: once the program has ended, what it forked is ended too. Also settles
   * when the system refuses to end a process even by SIGKILL; that is logged, and tried again at the next start of mcpd.
   */
  readonly gone: Promise<void>
  /** Limits that cannot be kept here, each with the reason. */
  readonly limitsNotKept: readonly string[]
  /** Once it is gone: whether it was ended because it used more memory than its limit. */
  outOfMemory(): boolean
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, SIGKILL after `graceMs`; resolves with `gone`. */
  end(graceMs: number): Promise<void>
}

export interface ProcessGroups {
  readonly watcherPid: number | undefined
  /** @throws the system's error (`ENOENT`, `EACCES`, …) when the program cannot be started. */
  spawn(command: string, args: readonly string[], options: GroupOptions): Promise<Group>
  /** Ends every group and the watcher. */
  close(graceMs: number): Promise<void>
}

/** The same for every mcpd that notes its programs in `folder`, so that each finds what the one before it has left. */
export const cgroupName = (folder: string): string =>
  `mcpctl-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}`

/** Starts programs so that none outlives mcpd: known to the watcher and on disk before they exist. */
export const openProcessGroups = async (options: {
  readonly folder: string
  readonly logger: Logger
  /** Whether programs get cgroups of their own, where the system has them. Default true. */
  readonly cgroups?: boolean
}): Promise<ProcessGroups> => {
  const { logger } = options
  const confinements = openConfinements({ name: cgroupName(options.folder), enabled: options.cgroups ?? true })
  const records = openRunRecords(options.folder)
  const leftOver = records.leftOver()
  if (leftOver.length > 0) logger.warn({ groups: leftOver.length }, 'Ending programs that a killed mcpd left running')
  const stubborn = new Set((await endLeftOver(leftOver)).map((record) => record.key))
  for (const { key } of leftOver) if (!stubborn.has(key)) records.forget(key)
  const watcher = startWatcher(logger)
  const groups = new Set<Group>()

  const forget = ({ key }: RunRecord) => {
    records.forget(key)
    watcher.forget(key)
  }

  /** Waits for the program to end, then ends what it forked; where it has a cgroup, what has left its group, too. */
  const release = async (record: RunRecord, child: ChildProcess, pid: number, ended: () => void): Promise<void> => {
    await new Promise<void>((resolve) => child.once('exit', () => resolve()))
    try {
      ended()
      const groupGone = await endGroup(pid, LEFT_OVER_GRACE_MS)
      const fledGone = record.cgroup === undefined || (await endCgroup(record.cgroup, LEFT_OVER_GRACE_MS))
      if (groupGone && fledGone) forget(record)
      else logger.error({ group: pid, waitedMs: KILL_WAIT_MS }, 'A process does not end even by SIGKILL')
    } catch (error) {
      logger.error({ group: pid, err: error }, 'A process group could not be ended')
    }
  }

  /** Settles only for a process stuck in the kernel, so that nobody waits for it for ever. */
  const refusesToDie = async (pid: number): Promise<void> => {
    if (await killedGroupGone(pid)) return new Promise(() => {})
    logger.error({ group: pid, waitedMs: KILL_WAIT_MS }, 'A process does not end even by SIGKILL')
  }

  /** Starts the program and notes its pid in the same tick, so only a kill of mcpd can come between. */
  const startNoted = (
    record: RunRecord,
    confined: Confinement,
    [command, args]: readonly [string, readonly string[]],
    options: GroupOptions,
  ) => {
    const { cwd, env, stdin } = options
    confined.make()
    const child = spawn(command, args, { cwd, env, detached: true, stdio: [stdin, 'pipe', 'pipe'] })
    if (child.pid === undefined) return { child, record }
    child.on('error', (error) => logger.warn({ pid: child.pid, err: error }, 'A process reports an error'))
    try {
      const known = started(record, child.pid)
      records.amend(known)
      watcher.tell(known)
      return { child, record: known }
    } catch (error) {
      signalGroup(child.pid, 'SIGKILL') // what we cannot note must not run
      throw error
    }
  }

  const neverBegan = (record: RunRecord) => {
    if (record.cgroup !== undefined) removeCgroup(record.cgroup)
    forget(record)
  }

  const spawnGroup: ProcessGroups['spawn'] = async (command, args, options) => {
    const key = randomUUID()
    const confined = await confinements.of(`${options.label ?? 'tool'}-${key}`, options.limits ?? {})
    const launched = confined.launch(command, args)
    if (launched[0] !== command) await assertStartable(command, options)
    const intended = intention(key, options.cwd, confined.folder)
    records.intend(intended)
    watcher.tell(intended)
    let running: ReturnType<typeof startNoted>
    try {
      running = startNoted(intended, confined, launched, options)
    } catch (error) {
      neverBegan(intended)
      throw error
    }
    const { child, record } = running
    const { pid } = child
    if (pid === undefined) {
      neverBegan(intended)
      throw await new Promise<Error>((resolve) => child.once('error', resolve))
    }
    let outOfMemory = false
    const onExit = () => {
      outOfMemory = record.cgroup !== undefined && ranOutOfMemory(record.cgroup)
    }
    const group: Group = {
      child,
      pid,
      gone: release(record, child, pid, onExit).finally(() => groups.delete(group)),
      limitsNotKept: confined.notKept,
      outOfMemory: () => outOfMemory,
      signal(signal) {
        if (groups.has(group)) signalGroup(pid, signal)
      },
      async end(graceMs) {
        group.signal('SIGTERM')
        if (groups.has(group) && !(await groupGone(pid, graceMs))) group.signal('SIGKILL')
        await Promise.race([group.gone, refusesToDie(pid)])
      },
    }
    groups.add(group)
    return group
  }

  return {
    get watcherPid() {
      return watcher.pid
    },
    spawn: spawnGroup,
    async close(graceMs) {
      await Promise.all([...groups].map((group) => group.end(graceMs)))
      await watcher.close()
      try {
        confinements.close()
      } catch (error) {
        logger.warn({ err: error }, 'The cgroup of mcpd could not be left as it was found')
      }
    },
  }
}
