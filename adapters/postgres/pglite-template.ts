import { existsSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { PGlite } from '@electric-sql/pglite'

/**
 * An empty database as an archive beside this module. Unpacking it takes a third of the time and memory of making one;
 * without it, as when run from sources, a database is made.
 */
const TEMPLATE = fileURLToPath(new URL('./pglite-template.tgz', import.meta.url))

/** The archive for PGlite's `loadDataDir`, or undefined when there is none. */
export const readTemplate = async (): Promise<Blob | undefined> =>
  existsSync(TEMPLATE) ? new Blob([await readFile(TEMPLATE)]) : undefined

/** Writes the archive: the last step of a build. */
export const writeTemplate = async (empty: PGlite): Promise<void> => {
  const archive = await empty.dumpDataDir('gzip')
  await writeFile(`${TEMPLATE}.new`, Buffer.from(await archive.arrayBuffer()))
  await rename(`${TEMPLATE}.new`, TEMPLATE)
}
