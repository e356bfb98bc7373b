import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { seeded } from '../testing/seeded.ts'
import type { Api } from './testing/api.ts'
import { expectTidy } from './testing/leftovers.ts'
import { readLog } from './testing/replay.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { openTrial, type Trial } from './testing/trial.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(4)
const SECRETS = 100
const names = Array.from({ length: SECRETS }, (_, i) => `s${i}`)

describe(`mcpd that is killed while it rotates the master key (seed ${seed})`, { timeout: deadline(ROUNDS) }, () => {
  it(`opens all ${SECRETS} secrets after each of ${ROUNDS} kills, and finishes or has not begun`, () =>
    inTrialFolder('rotation', async (folder) => {
      const random = seeded(`${seed}/rotation`)
      const trial = await openTrial({ folder, random, writers: 2 })
      for (const name of names) await trial.create('secrets', name, { data: { VALUE: name } })
      const began = performance.now()
      expect((await rotate(trial))?.status).toBe(200)
      const rotationMs = performance.now() - began
      for (let round = 0; round < ROUNDS; round++) {
        // Before, during and right after it, while others make and delete secrets.
        const later = random.int(Math.ceil(rotationMs * 1.3))
        const rotating = async (): Promise<unknown> => {
          await pause(random.int(20))
          return rotate(trial)
        }
        await trial.killUnderLoad({ writes: 0, ms: later }, rotating)
        await trial.start()
        await expectAllOpen(trial.api())
        await expectOneMasterKey(folder)
      }
      await expectTidy(trial.api(), folder)
      await trial.readAll()
      await trial.kill()
      await expectChain(folder)
    }))
})

const rotate = (trial: Trial) => trial.api().send('POST', 'admin/rotate-master-key')

const expectAllOpen = async (api: Api): Promise<void> => {
  for (const name of names) expect(await api.read(`secrets/${name}/values`)).toEqual({ values: { VALUE: name } })
}

/** No rotation is half done once mcpd is ready: one master key, and every data key is wrapped under it. */
const expectOneMasterKey = async (folder: string): Promise<void> => {
  const master = JSON.parse(await readFile(join(folder, 'master.key'), 'utf8'))
  expect(Object.keys(master)).toEqual(['version', 'current'])
  const files = (await readdir(join(folder, 'keys'))).filter((name) => name.endsWith('.json'))
  const keys = await Promise.all(
    files.map(async (name) => JSON.parse(await readFile(join(folder, 'keys', name), 'utf8'))),
  )
  expect(new Set(keys.map(({ masterKey }) => masterKey))).toEqual(new Set([master.current.id]))
  expect(keys.length).toBeGreaterThanOrEqual(SECRETS)
}

/** Every rotation is in the log once, and each begins where the one before ended. */
const expectChain = async (folder: string): Promise<void> => {
  const rotations = (await readLog(folder)).filter(({ type }) => type === 'MasterKeyRotated').map(({ data }) => data)
  expect(rotations.slice(1).map(({ from }) => from)).toEqual(rotations.slice(0, -1).map(({ to }) => to))
  const { current } = JSON.parse(await readFile(join(folder, 'master.key'), 'utf8'))
  expect(rotations.at(-1)?.to).toBe(current.id)
}
