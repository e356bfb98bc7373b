import { setTimeout as sleep } from 'node:timers/promises'
import { ORPHAN_AGE_MS, sweepDataKeys } from '../../commands/secrets/sweep-data-keys.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Keyring } from '../../domain/secret/keyring.ts'
import type { ReadSide } from '../../queries/read-side.ts'
import { instanceView } from './instance-view.ts'
import type { McpdConfig } from './mcpd-config.ts'

const RETRY_MS = 5_000

/**
 * Destroys, in the background and once, data keys that no secret has: mcpd was killed after making one, or before
 * destroying one. On the embedded log nobody else makes keys, so all that are older than this start count; on EventStoreDB
 * another mcpd may be about to declare the secret of a young one.
 */
export const sweepOrphanedKeys = (
  config: McpdConfig,
  deps: {
    readonly log: EventLog
    readonly readSide: ReadSide
    readonly keyring: Keyring
    readonly logger: Logger
    readonly startedAt: Date
  },
): { stop(): Promise<void> } => {
  const { log, readSide, keyring, logger, startedAt } = deps
  const stopping = new AbortController()
  const minAge = config.eventStoreUrl === undefined ? 0 : ORPHAN_AGE_MS

  const once = async (): Promise<void> => {
    if ((await keyring.list()).length === 0) return
    const rows = await instanceView(readSide, stopping.signal).rows('secret', (await log.head()) ?? 0n)
    const uids = new Set(rows.map(({ uid }) => uid))
    const destroyed = await sweepDataKeys(keyring, async (uid) => uids.has(uid), startedAt, minAge)
    if (destroyed > 0) logger.info({ destroyed }, 'destroyed data keys that no secret has')
  }
  const work = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        return await once()
      } catch (error) {
        // The log or the rows are away: nothing is lost by looking again later.
        if (!(error instanceof CodedError)) throw error
        await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => undefined) // aborted: the loop ends
      }
    }
  }
  const done = work().catch((error: unknown) =>
    logger.error({ err: error }, 'data keys without a secret were not swept'),
  )
  return {
    async stop() {
      stopping.abort()
      await done
    },
  }
}
