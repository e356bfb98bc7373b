import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Seeded } from '../../testing/seeded.ts'

/** Makes a data folder look as if the machine had been started again since: whatever notes the boot notes another one. */
export const fromAnotherBoot = async (dataFolder: string): Promise<void> => {
  const mark = join(dataFolder, 'read-models', 'state.json')
  const text = await readFile(mark, 'utf8').catch(() => undefined)
  if (text === undefined || text === '') return // lost with all that was not flushed
  await writeFile(mark, JSON.stringify({ ...JSON.parse(text), boot: 'another' }))
}

/** Loses the second half of some of PGlite's files, which it never flushes. */
export const loseRows = async (dataFolder: string, random: Seeded): Promise<void> => {
  const base = join(dataFolder, 'read-models', 'pgdata', 'base')
  for (const name of await readdir(base, { recursive: true })) {
    const file = join(base, name)
    const found = await stat(file)
    if (found.isFile() && random.chance(0.5)) await truncate(file, Math.floor(found.size / 2))
  }
}
