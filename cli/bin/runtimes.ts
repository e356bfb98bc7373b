import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { DataFolder } from '../../adapters/data-folder/data-folder.ts'
import { readFairly } from '../../adapters/process/fair-reading.ts'
import { openProcessRuntime, type ProcessRuntime } from '../../adapters/process/process-runtime.ts'
import { derivedUuid } from '../../commands/event-id.ts'
import type { Runtime } from '../../domain/instance/runtime.ts'
import type { Logger } from '../../domain/kernel/logger.ts'

/** All ways of running programs, as one: images run in containers, everything else as processes of this machine. */
export type Runtimes = Runtime & Pick<ProcessRuntime, 'found' | 'logs'>

/**
 * What containers need is loaded when the first image is started; and at once where this mcpd has run containers before,
 * for it may have been killed and have left some.
 */
export const openRuntimes = async (folder: DataFolder, logger: Logger): Promise<Runtimes> => {
  const processes = await openProcessRuntime({ dataFolder: folder.path, logger })
  const { found, logs } = processes
  const mark = folder.part('containers')
  let containers: Promise<Runtime> | undefined

  const load = async (): Promise<Runtime> => {
    await mkdir(mark, { recursive: true, mode: 0o700 })
    const { openDockerRuntime } = await import('../../adapters/docker/docker-runtime.ts')
    // A copy of a data folder is another mcpd: it must not end what the first one runs.
    const owner = `${folder.id}.${derivedUuid(folder.path).slice(0, 8)}`
    return openDockerRuntime({ owner, logOf: logs.of, logger, readFairly })
  }
  const loaded = (): Promise<Runtime> => {
    containers ??= load().catch((error: unknown) => {
      containers = undefined
      throw error
    })
    return containers
  }
  if (existsSync(mark))
    loaded().catch((error: unknown) => logger.error({ err: error }, 'containers cannot be looked after'))

  return {
    kind: 'process',
    found,
    logs,
    start: async (launch, options) =>
      launch.program.kind === 'image' ? (await loaded()).start(launch, options) : processes.start(launch, options),
    usage: async (instance) =>
      (await processes.usage?.(instance)) ?? (await (await containers?.catch(() => undefined))?.usage?.(instance)),
    async close() {
      // First what writes logs to the other.
      await (await containers?.catch(() => undefined))?.close()
      await processes.close()
    },
  }
}
