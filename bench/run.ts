import { readdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { type Figures, flat, judged } from './parts/figures.ts'

// npm run bench -- NAME [--json] [--save]: runs bench/NAME.ts, prints its figures, and how they stand to their goals.
// --json: the last line is one JSON object. --save: keeps the figures in bench/results/, from which "npm run docs" makes a page.
const [name, ...flags] = process.argv.slice(2)
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3))
if (name === undefined || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--json] [--save]\nBenches: ${names.join(', ')}`)
  process.exit(2)
}
const { default: run } = (await import(new URL(`${name}.ts`, import.meta.url).href)) as {
  default: () => Promise<object>
}
const measured = await run()
const figures: Figures = flat(measured)
const machine = { node: process.version, cores: cpus().length, cpu: cpus()[0]?.model.trim() ?? 'unknown' }
const json = { bench: name, ...machine, ...measured }
if (flags.includes('--save')) {
  const result = { bench: name, date: new Date().toISOString().slice(0, 10), ...machine, figures }
  writeFileSync(new URL(`results/${name}.json`, import.meta.url), `${JSON.stringify(result, null, 2)}\n`)
}
for (const [figure, value] of Object.entries(figures)) console.log(`${figure.padEnd(32)} ${value ?? 'not measured'}`)
for (const line of judged(name, figures)) console.log(line)
if (flags.includes('--json')) console.log(JSON.stringify(json))
process.exit(0)
