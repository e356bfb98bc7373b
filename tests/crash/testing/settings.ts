import { randomInt } from 'node:crypto'

/** What `npm run test:crash` sets; each scenario has its own number of rounds otherwise. */
const asked = Number(process.env.CRASH_ROUNDS ?? '0')

/** Repeats the choices of a run, though not its timing to the microsecond. */
export const seed = process.env.CRASH_SEED || String(randomInt(1_000_000_000))

export const rounds = (usual: number): number => (asked > 0 ? asked : usual)

/** Time for a whole test: rounds are slow on a busy machine, and only a hang is to be found here. */
export const deadline = (count: number): number => 120_000 + count * 40_000
