import { parseArgs } from 'node:util'
import { showFinding } from './findings.ts'
import { fuzz } from './fuzz.ts'

/** Findings that are printed in full. */
const MAX_SHOWN = 30

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    cases: { type: 'string', default: '1000' },
    family: { type: 'string' },
    part: { type: 'string' },
    case: { type: 'string' },
  },
})
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
console.log(`seed ${seed}`)
const { findings, inputs } = await fuzz({
  seed,
  cases: Number(values.cases),
  family: values.family,
  part: values.part,
  index: values.case === undefined ? undefined : Number(values.case),
  note: console.log,
})
for (const finding of findings.slice(0, MAX_SHOWN)) console.log(`\n${showFinding(finding, seed)}`)
if (findings.length > MAX_SHOWN) console.log(`\n… and ${findings.length - MAX_SHOWN} more`)
console.log(`\n${Object.values(inputs).reduce((sum, count) => sum + count, 0)} bad inputs, ${findings.length} findings`)
process.exitCode = findings.length === 0 ? 0 : 1
