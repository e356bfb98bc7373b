import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seed } from './settings.ts'

/** Runs `work` in a data folder of its own. It is removed afterwards, but kept, and named with the seed, when `work` fails. */
export const inTrialFolder = async (name: string, work: (folder: string) => Promise<void>): Promise<void> => {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `mcpctl-crash-${name}-`)))
  try {
    await work(folder)
  } catch (error) {
    console.log(`${name}: failed with seed ${seed}; its folders are kept in ${folder}`)
    throw error
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
}
