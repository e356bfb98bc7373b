import { randomUUID } from 'node:crypto'
import { type DataFolder, openDataFolder } from '../../adapters/data-folder/data-folder.ts'
import type { DatabaseLocation, LogLocation } from '../../adapters/postgres/read-side.ts'
import { startReadThread } from '../../adapters/postgres/read-thread.ts'
import { bootId, findProcess } from '../../adapters/process/process-table.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { LinkDialer } from '../../domain/mcp/link.ts'
import type { McpdConfig } from './mcpd-config.ts'
import { openLog } from './open-log.ts'

// This module loads little: what takes longest at a start, the embedded database's thread, is begun before the rest of
// mcpd is loaded (`mcpd-wiring.ts`).

/** A running mcpd. */
export interface Mcpd {
  readonly url: string
  /** The first administrator's token, at the very first start only. */
  readonly firstToken: string | undefined
  /** A new token for the administrator: for who may read the data folder anyway. */
  issueAdminToken(description: string): Promise<string>
  /** Whether a bearer is valid. */
  accepts(bearer: string): Promise<boolean>
  /** Links for an mcplocal in the same process. */
  readonly dialer: LinkDialer
  /** Stops taking requests, ends servers, flushes and frees everything. */
  close(): Promise<void>
}

/** Wires one mcpd and starts it. What was opened before something failed is closed again. */
export const startMcpd = async (
  config: McpdConfig,
  logger: Logger,
  about: () => JsonObject = () => ({}),
): Promise<Mcpd> => {
  const opened: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const each of opened.splice(0).reverse()) {
      await each().catch((error: unknown) => logger.error({ err: error }, 'closing failed'))
    }
  }
  try {
    const ground = await openGround(config, logger, opened)
    const { wire } = await import('./mcpd-wiring.ts')
    return await wire({ ...ground, opened, close }, about)
  } catch (error) {
    await close()
    throw error
  }
}

/** What mcpd stands on. */
export interface Ground {
  readonly config: McpdConfig
  readonly logger: Logger
  readonly folder: DataFolder
  readonly logLocation: LogLocation
  readonly log: EventLog
  /** Where the rows are. A thread may still be opening its database. */
  readonly database: Extract<DatabaseLocation, { kind: 'thread' | 'postgres' }>
  /** How all that is open is closed, in the order in which it was opened. */
  readonly opened: (() => Promise<unknown>)[]
  readonly close: () => Promise<void>
}

const openGround = async (
  config: McpdConfig,
  logger: Logger,
  opened: Ground['opened'],
): Promise<Omit<Ground, 'opened' | 'close'>> => {
  const folder = await ownDataFolder(config.dataFolder)
  opened.push(() => folder.release())
  const logLocation = logLocationOf(config, folder)
  const log = await openLog(logLocation)
  opened.push(() => log.close())
  const ground = { config, logger, folder, logLocation, log }
  if (config.databaseUrl !== undefined) return { ...ground, database: { kind: 'postgres', url: config.databaseUrl } }
  const thread = startReadThread({ logger, logLocation, folder: folder.part('read-models') })
  opened.push(() => thread.close())
  return { ...ground, database: { kind: 'thread', thread } }
}

const ownDataFolder = (path: string): Promise<DataFolder> =>
  openDataFolder(path, {
    now: new Date(),
    newId: randomUUID,
    identify: (pid) => {
      const found = findProcess(pid)
      return found === undefined || found.zombie ? undefined : `${bootId()}/${found.start}`
    },
  })

const logLocationOf = ({ eventStoreUrl }: McpdConfig, folder: DataFolder): LogLocation =>
  eventStoreUrl === undefined
    ? { kind: 'embedded', folder: folder.part('log') }
    : { kind: 'eventstore', connectionString: eventStoreUrl }
