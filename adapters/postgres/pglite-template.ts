import { createReadStream, existsSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createGunzip } from 'node:zlib'
import type { PGlite } from '@electric-sql/pglite'
import { unpackTar } from './unpack-tar.ts'

/** An empty database as an archive beside this module; there is none when it is run from sources. */
const TEMPLATE = fileURLToPath(new URL('./pglite-template.tgz', import.meta.url))

/** How much is unpacked at once: 40 MB in pieces of the default size take 2,500 turns of the event loop. */
const CHUNK_BYTES = 256 * 1024

/**
 * Makes a database's files from the template: all of them or none. PGlite would hold all of them in memory, 90 MB of which
 * the process keeps; and it takes three times as long to make them from nothing.
 *
 * @returns false when there is no template
 * @throws what the disk throws, and Error for an archive that is cut off
 */
export const unpackTemplate = async (folder: string, template = TEMPLATE): Promise<boolean> => {
  if (!existsSync(template)) return false
  const unfinished = `${folder}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o700 })
  const compressed = createReadStream(template)
  const archive = compressed.pipe(createGunzip({ chunkSize: CHUNK_BYTES }))
  compressed.on('error', (error) => archive.destroy(error))
  await unpackTar(archive, unfinished)
  await rename(unfinished, folder)
  return true
}

/** Writes the archive: the last step of a build. */
export const writeTemplate = async (empty: PGlite, template = TEMPLATE): Promise<void> => {
  const archive = await empty.dumpDataDir('gzip')
  await writeFile(`${template}.new`, Buffer.from(await archive.arrayBuffer()))
  await rename(`${template}.new`, template)
}
