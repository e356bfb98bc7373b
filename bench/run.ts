import { readdirSync } from 'node:fs'

// npm run bench -- NAME [--json]: runs bench/NAME.ts and prints its figures; with --json the last line is one JSON object.
const [name, ...flags] = process.argv.slice(2)
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -3))
if (name === undefined || !names.includes(name)) {
  console.error(`Usage: npm run bench -- NAME [--json]\nBenches: ${names.join(', ')}`)
  process.exit(2)
}
const { default: run } = (await import(new URL(`${name}.ts`, import.meta.url).href)) as {
  default: () => Promise<object>
}
const figures = await run()
if (flags.includes('--json')) console.log(JSON.stringify({ bench: name, node: process.version, ...figures }))
else console.table(figures)
process.exit(0)
