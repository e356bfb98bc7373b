import { expect, it } from 'vitest'
import { showFinding } from './findings.ts'
import { fuzz } from './fuzz.ts'

/** The same in each run, so that a change breaks it and not luck; "npm run test:fuzz" takes another one each time. */
const SEED = 20_261_121
/** A part has so many: the full thousand takes minutes. */
const CASES = 50

it('bad input is refused with a reason, changes nothing and breaks nothing', async () => {
  const notes: string[] = []
  const { findings, inputs } = await fuzz({ seed: SEED, cases: CASES, note: (text) => notes.push(text) })
  console.log(notes.join('\n'))
  expect(findings.map((finding) => showFinding(finding, SEED))).toEqual([])
  expect(Math.min(...Object.values(inputs))).toBeGreaterThan(CASES)
}, 400_000)
