import { cp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { makeSmallDisk } from '../../adapters/embedded-log/testing/small-disk.ts'
import { seeded } from '../testing/seeded.ts'
import { fromAnotherBoot, loseRows } from './testing/another-boot.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { openTrial, someMoment } from './testing/trial.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(3)
const DISK_BYTES = 512 * 1024 * 1024

describe(`a machine that crashes under write load (seed ${seed})`, { timeout: deadline(ROUNDS) }, () => {
  it(`leaves a folder that opens elsewhere with every acknowledged write, ${ROUNDS} times`, () =>
    inTrialFolder('machine', async (scratch) => {
      const random = seeded(`${seed}/machine`)
      const trial = await openTrial({ folder: join(scratch, 'data'), random })
      for (let round = 0; round < ROUNDS; round++) {
        const copy = join(scratch, String(round))
        const elsewhere = await trial.copyUnderLoad(someMoment(random), copy)
        await fromAnotherBoot(copy)
        await loseRows(copy, random)
        await elsewhere.start()
        await elsewhere.readAll()
        await elsewhere.kill()
        await rm(copy, { recursive: true })
      }
      await trial.kill()
    }))

  it(`loses nothing acknowledged with what its disk had not taken, ${ROUNDS} times`, async (context) => {
    const disk = await makeSmallDisk(DISK_BYTES).catch((error: unknown) => String(error))
    if (typeof disk === 'string') {
      const why = `needs root, loop devices, mkfs.ext4 and perl, to crash a file system: ${disk}`
      process.stdout.write(`mcpd on a file system that crashes: not tested: ${why}\n`)
      return context.skip(why)
    }
    await inTrialFolder('disk', async (scratch) => {
      const random = seeded(`${seed}/disk`)
      const folder = join(disk.path, 'deep', 'data')
      const trial = await openTrial({ folder, random })
      try {
        for (let round = 0; round < ROUNDS; round++) {
          await trial.dieUnderLoad(someMoment(random), { cut: disk.fail })
          await disk.remount()
          await fromAnotherBoot(folder)
          await trial.hold()
          await trial.start()
        }
        await trial.readAll()
        await trial.kill()
      } catch (error) {
        // The disk itself is not kept.
        await cp(folder, join(scratch, 'data'), { recursive: true }).catch((why: unknown) => console.log(why))
        throw error
      }
    })
  })
})
