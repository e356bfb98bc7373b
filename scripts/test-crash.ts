import { spawn } from 'node:child_process'
import { parseArgs } from 'node:util'

// Kills the built mcpd over and over: `npm run test:crash -- --rounds 500`. A failure names its seed and keeps its folders.

const HELP = `Usage: npm run test:crash -- [--rounds N] [--seed S] [--only WORD]

  --rounds N   kills in each scenario; as many as \`npm test\` does if left out
  --seed S     choices of an earlier run: what is written, and roughly when the kills come
  --only WORD  scenarios whose file name holds the word: writes, first-start, rebuild, packages, rotation, compaction, instances, machine
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string' },
    seed: { type: 'string' },
    only: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
if (values.help === true) {
  process.stdout.write(HELP)
  process.exit(0)
}
if (values.rounds !== undefined && !/^[1-9]\d{0,6}$/.test(values.rounds)) {
  process.stderr.write(`--rounds must be a number of kills\n\n${HELP}`)
  process.exit(2)
}
const { rounds = '', seed = '', only = '' } = values
const child = spawn('npx', ['vitest', 'run', `tests/crash/${only}`, '--maxWorkers=1'], {
  stdio: 'inherit',
  env: { ...process.env, CRASH_ROUNDS: rounds, CRASH_SEED: seed },
})
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
