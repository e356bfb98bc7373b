import { describe, expect, it } from 'vitest'
import { median } from '../../bench/parts/measure.ts'
import { seeded } from '../testing/seeded.ts'
import { expectTidy } from './testing/leftovers.ts'
import { deadline, rounds, seed } from './testing/settings.ts'
import { bareStartMs, START_MS, slowness } from './testing/start-time.ts'
import { openTrial, someMoment } from './testing/trial.ts'
import { inTrialFolder } from './testing/trial-folder.ts'

const ROUNDS = rounds(30)
/** A start is killed, too, in one round of so many. */
const STUMBLES = 8
const LATEST_STUMBLE_MS = 600
const CALIBRATIONS = 10

describe(`mcpd that is killed under write load (seed ${seed})`, () => {
  it(
    `loses and doubles no acknowledged write over ${ROUNDS} kills, and its rows are what the log says`,
    () =>
      inTrialFolder('writes', async (folder) => {
        const random = seeded(`${seed}/writes`)
        const trial = await openTrial({ folder, random })
        const bare: number[] = []
        for (let round = 0; round < ROUNDS; round++) {
          if (round % Math.ceil(ROUNDS / CALIBRATIONS) === 0) bare.push(await bareStartMs())
          await trial.killUnderLoad(someMoment(random))
          if (random.int(STUMBLES) === 0) await trial.stumble(random.int(LATEST_STUMBLE_MS))
          await trial.start()
        }
        await trial.readAll()
        await expectTidy(trial.api(), folder)
        await trial.kill()
        const [start, slowest] = [median(trial.starts), Math.max(...trial.starts)].map(Math.round)
        const { acknowledged } = trial.ledger.counts()
        console.log(
          `${ROUNDS} kills, ${acknowledged} acknowledged writes; next start ${start} ms, slowest ${slowest} ms`,
        )
        expect(start).toBeLessThanOrEqual(START_MS * slowness(median(bare)))
      }),
    deadline(ROUNDS),
  )
})
