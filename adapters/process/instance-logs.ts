import { join } from 'node:path'
import type { InstanceLogs } from '../../domain/instance/runtime.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { type InstanceLog, instanceLog } from './instance-log.ts'

/** Instance names are DNS labels; anything else never becomes a path. */
export const isInstanceName = (name: string): boolean => /^[a-z0-9](?:[a-z0-9-]{0,126}[a-z0-9])?$/.test(name)

export interface ProcessLogs extends InstanceLogs {
  /** The log that a program of this instance writes to. */
  of(instance: string): InstanceLog
  close(): Promise<void>
}

/** The logs of all instances, each in a folder of its own under `folder`. */
export const openInstanceLogs = (options: { folder: string; logger: Logger; now?: () => number }): ProcessLogs => {
  const { folder, logger, now = Date.now } = options
  const logs = new Map<string, InstanceLog>()

  const of = (instance: string): InstanceLog => {
    if (!isInstanceName(instance)) throw new Error(`Not a name of an instance: ${JSON.stringify(instance)}`)
    const known = logs.get(instance)
    if (known !== undefined) return known
    const log = instanceLog({ folder: join(folder, instance), logger, now })
    logs.set(instance, log)
    return log
  }

  return {
    of,

    async *read(instance, readOptions = {}) {
      if (!isInstanceName(instance) || readOptions.signal?.aborted) return
      // A log that is only read is not remembered: names come from outside.
      const log = readOptions.follow
        ? of(instance)
        : (logs.get(instance) ?? instanceLog({ folder: join(folder, instance), logger, now }))
      const { lines, following } = await log.read(readOptions)
      try {
        for (const line of lines) {
          if (readOptions.signal?.aborted) return
          yield line
        }
        readOptions.onCaughtUp?.()
        if (following !== undefined) yield* following.lines(readOptions.signal)
      } finally {
        if (following !== undefined) log.unfollow(following)
      }
    },

    async remove(instance) {
      if (!isInstanceName(instance)) return
      const log = of(instance)
      await log.close({ remove: true })
      logs.delete(instance)
    },

    async close() {
      await Promise.all([...logs.values()].map((log) => log.close({ remove: false })))
      logs.clear()
    },
  }
}
