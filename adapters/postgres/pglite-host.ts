import type { Position } from '../../domain/kernel/event.ts'
import { liveGeneration } from '../../projections/generations.ts'
import { type Projector, runProjector } from '../../projections/projector.ts'
import { kindsOf } from './kinds-of.ts'
import { openPGlite } from './pglite.ts'
import type { HostOptions, ReadHost } from './read-host.ts'

/**
 * Rows in a PGlite on this very thread, in memory without a folder. For tests and tools: a batch holds the event loop
 * up for as long as it takes. Programs use the thread of `read-thread.ts`.
 */
export const openPGliteHost = async (folder: string | undefined, options: HostOptions): Promise<ReadHost> => {
  const { log, registry, catalog, logger, clock, commits } = options
  const database = await openPGlite(folder, logger)
  const stop = new AbortController()
  let projector: Projector | undefined
  commits.reset((await liveGeneration(database.db))?.checkpoint, kindsOf(registry))
  const onCommit = commits.advance.bind(commits)
  const onUndone = (position: Position): void => commits.reset(position, kindsOf(registry))
  const running = runProjector(
    { db: database.db, log, registry, catalog, logger, clock, onCommit, onUndone },
    stop.signal,
    (it) => {
      projector = it
    },
  )
  running.catch((error: unknown) => logger.error({ error: String(error) }, 'the projector has ended'))
  return {
    db: database.db,
    async rebuild() {
      projector?.rebuild()
    },
    async close() {
      stop.abort()
      await running.catch(() => undefined) // it was logged when it happened
      await database.close()
    },
  }
}
