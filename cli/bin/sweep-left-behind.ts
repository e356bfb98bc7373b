import { ORPHAN_AGE_MS, sweepDataKeys } from '../../commands/secrets/sweep-data-keys.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { pause } from '../../domain/kernel/pause.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import type { Keyring } from '../../domain/secret/keyring.ts'
import type { ReadSide } from '../../queries/read-side.ts'
import { instanceView } from './instance-view.ts'
import type { McpdConfig } from './mcpd-config.ts'

const RETRY_MS = 5_000

/**
 * Clears away, in the background and once, what a killed mcpd had no time for: data keys that no secret has, and logs and
 * working folders of instances that are no more. On the embedded log nobody else makes keys, so all that are older than
 * this start count; on EventStoreDB another mcpd may be about to declare the secret of a young one.
 */
export const sweepLeftBehind = (
  config: McpdConfig,
  deps: {
    readonly log: EventLog
    readonly readSide: ReadSide
    readonly keyring: Keyring
    readonly logger: Logger
    readonly startedAt: Date
    /** Instances that had a log or a working folder before any was started. */
    readonly instances: readonly string[]
    /** Removes both. Repeatable. */
    readonly discard: (instance: string) => Promise<void>
  },
): { stop(): Promise<void> } => {
  const { log, readSide, keyring, logger, startedAt, instances, discard } = deps
  const stopping = new AbortController()
  const minAge = config.eventStoreUrl === undefined ? 0 : ORPHAN_AGE_MS
  const rows = async (kind: string): Promise<readonly ResourceRow[]> =>
    instanceView(readSide, stopping.signal).rows(kind, (await log.head()) ?? 0n)

  const sweepKeys = async (): Promise<void> => {
    if ((await keyring.list()).length === 0) return
    const uids = new Set((await rows('secret')).map(({ uid }) => uid))
    const destroyed = await sweepDataKeys(keyring, async (uid) => uids.has(uid), startedAt, minAge)
    if (destroyed > 0) logger.info({ destroyed }, 'destroyed data keys that no secret has')
  }
  const sweepInstances = async (): Promise<void> => {
    if (instances.length === 0) return
    const names = new Set((await rows('instance')).map(({ name }) => name))
    const gone = instances.filter((name) => !names.has(name))
    for (const name of gone) await discard(name)
    if (gone.length > 0) logger.info({ instances: gone.length }, 'removed what was left of instances that are no more')
  }
  const once = async (): Promise<void> => {
    await sweepKeys()
    await sweepInstances()
  }
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        return await once()
      } catch (error) {
        // The log or the rows are away: nothing is lost by looking again later.
        if (!(error instanceof CodedError)) throw error
        await pause(RETRY_MS, stopping.signal)
      }
    }
  }
  const done = work().catch((error: unknown) =>
    logger.error({ err: error }, 'what a killed mcpd left behind was not cleared away'),
  )
  return {
    async stop() {
      stopping.abort()
      await done
    },
  }
}
