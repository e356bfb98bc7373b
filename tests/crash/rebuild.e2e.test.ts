import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openPGlite } from '../../adapters/postgres/pglite.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { seeded } from '../testing/seeded.ts'
import { fillLog, oldProjects } from './testing/fill-log.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { openTrial, someMoment, type Trial } from './testing/trial.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(4)
const LATEST_MS = 700

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }
const status = z.object({
  readModels: z.array(z.object({ state: z.string(), generation: z.string().optional() })),
})

/** Waits until one generation is live and none is being made, and names it. */
const settled = async (trial: Trial): Promise<bigint> => {
  const look = async () => status.parse(await trial.api().read('status')).readModels[0]
  await expect.poll(async () => (await look())?.state, { timeout: 60_000 }).toBe('live')
  return BigInt((await look())?.generation ?? '-1')
}

describe(`mcpd that is killed while it builds its read models anew (seed ${seed})`, {
  timeout: deadline(ROUNDS),
}, () => {
  it(`on demand, under load: rows are what the log says, ${ROUNDS} times`, () =>
    inTrialFolder('rebuild', async (folder) => {
      const random = seeded(`${seed}/rebuild`)
      await fillLog(folder, oldProjects)
      const trial = await openTrial({ folder, random })
      let generation = await settled(trial)
      for (let round = 0; round < ROUNDS; round++) {
        const rebuild = () => trial.api().send('POST', 'admin/rebuild')
        await trial.killUnderLoad({ writes: random.int(10), ms: random.int(LATEST_MS) }, rebuild)
        await trial.start()
      }
      await trial.api().send('POST', 'admin/rebuild')
      await expect.poll(() => settled(trial), { timeout: 60_000 }).toBeGreaterThan(generation)
      generation = await settled(trial)
      await trial.readAll()
      await trial.kill()
    }))

  it(`because another version of mcpd made them: rows are what the log says, ${ROUNDS} times`, () =>
    inTrialFolder('migration', async (folder) => {
      const random = seeded(`${seed}/migration`)
      await fillLog(folder, oldProjects)
      const trial = await openTrial({ folder, random })
      for (let round = 0; round < ROUNDS; round++) {
        const before = await settled(trial)
        await trial.killUnderLoad(someMoment(random, 10))
        // Other columns: the rows cannot be read meanwhile. The same ones with another meaning: they can.
        await asMadeByAnotherVersion(folder, random.chance(0.5) ? ['fingerprint'] : ['fingerprint', 'shape'])
        await trial.stumble(random.int(LATEST_MS))
        await trial.start()
        expect(await settled(trial)).toBeGreaterThan(before)
      }
      await trial.readAll()
      await trial.kill()
    }))
})

const asMadeByAnotherVersion = async (
  dataFolder: string,
  what: readonly ('fingerprint' | 'shape')[],
): Promise<void> => {
  const { db, close } = await openPGlite(join(dataFolder, 'read-models'), silent)
  const changed = Object.fromEntries(what.map((name) => [name, 'of another version']))
  await db.updateTable('mcpctl.generations').set(changed).where('state', '=', 'live').execute()
  await close()
}
