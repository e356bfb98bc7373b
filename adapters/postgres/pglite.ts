import { PGlite } from '@electric-sql/pglite'
import { Kysely } from 'kysely'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Tables } from '../../projections/tables.ts'
import { channelDialect } from './dialect.ts'
import { migrate } from './migrate.ts'
import { hasPGlite, type PGliteFolder, pgliteFolder } from './pglite-folder.ts'
import { unpackTemplate } from './pglite-template.ts'
import { preparedChannel } from './prepared.ts'

const INT8 = 20
/** 16 MB of shared buffers instead of 128: half the memory, the same speed on rows of this size. */
const START_PARAMETERS = [...PGlite.defaultStartParams, '-c', 'shared_buffers=16MB', '-c', 'jit=off']

/** A migrated PGlite. */
export interface EmbeddedDatabase {
  readonly pglite: PGlite
  readonly db: Kysely<Tables>
  close(): Promise<void>
}

/** Starts PGlite on files, which it makes where there are none, or in memory. */
export const startPGlite = async (dataDir: string | undefined): Promise<PGlite> => {
  const pglite = new PGlite({
    ...(dataDir === undefined ? {} : { dataDir }),
    startParams: START_PARAMETERS,
    parsers: { [INT8]: BigInt },
  })
  await pglite.waitReady
  return pglite
}

const openData = async (dataDir: string | undefined, folder: PGliteFolder | undefined): Promise<EmbeddedDatabase> => {
  const pglite = await startPGlite(dataDir)
  const db = new Kysely<Tables>({ dialect: channelDialect(preparedChannel(pglite), { transactions: true }) })
  await migrate(db)
  return {
    pglite,
    db,
    async close() {
      await db.destroy()
      await pglite.close()
      await folder?.end()
    },
  }
}

/**
 * Opens the database in `folder`, or in memory without one. Whatever is wrong with the files, they are thrown away and
 * begun anew: the log fills them again.
 * @throws what a database in an empty folder throws: no room, no rights
 */
export const openPGlite = async (
  folder: string | undefined,
  logger: Logger,
  fresh = false,
): Promise<EmbeddedDatabase> => {
  if (folder === undefined) return openData(undefined, undefined)
  const files = pgliteFolder(folder, logger)
  await files.begin()
  if (fresh) await files.discard()
  const existed = hasPGlite(folder)
  try {
    if (!existed) await unpackTemplate(files.data)
    return await openWhole(files)
  } catch (error) {
    logger.warn(
      { error: String(error) },
      'the embedded read models cannot be opened: they are filled anew from the log',
    )
    await files.discard()
    // A template that could not be opened is not tried again: the files are made from nothing then.
    if (existed) await unpackTemplate(files.data)
    return openWhole(files)
  }
}

/** From here on a kill leaves files that can be opened again, on the same run of the machine. */
const openWhole = async (files: PGliteFolder): Promise<EmbeddedDatabase> => {
  const opened = await openData(files.data, files)
  await files.made()
  return opened
}
