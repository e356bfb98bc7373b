import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { type Figures, judged } from '../bench/parts/figures.ts'
import { catalog } from '../domain/catalog.ts'
import { errorCatalog } from '../domain/kernel/errors.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { kinds } from '../domain/registry.ts'

// Errors are in the catalogue once the modules that define them are loaded.
await import('../cli/bin/mcpd-system.ts')
await import('../cli/bin/mcpd-wiring.ts')
await import('../proxy/endpoint/start.ts')
// These two mcpd loads where it is told to use them.
await import('../adapters/postgres/postgres-host.ts')
await import('../adapters/eventstore/eventstore-log.ts')

const NOTE = '<!-- Made by "npm run docs" from the code. Do not edit. -->\n'

/** One line a member: name, type, whether it must be there. */
const members = (schema: z.ZodType): string => {
  const json = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' })
  const properties = Object.entries(json.properties ?? {})
  const required = new Set(json.required ?? [])
  return properties
    .map(([name, value]) => {
      const { type, description, enum: options, const: only } = value as Record<string, unknown>
      const kind =
        only !== undefined ? JSON.stringify(only) : Array.isArray(options) ? options.join(' \\| ') : (type ?? 'any')
      return `| \`${name}\` | ${kind} | ${required.has(name) ? 'yes' : ''} | ${description ?? ''} |`
    })
    .join('\n')
}

const events = (): string => {
  const sections = [...catalog.types.values()]
    .sort((a, b) => (a.categories[0] ?? '').localeCompare(b.categories[0] ?? '') || a.type.localeCompare(b.type))
    .map(
      ({ type, version, categories, summary, schema }) =>
        `## ${type} (v${version})\n\n${summary}. On streams \`${categories.map((each) => `${each}-…`).join('`, `')}\`.\n\n` +
        `| member | type | required | |\n| --- | --- | --- | --- |\n${members(schema)}\n\n` +
        `\`\`\`json\n${readFileSync(new URL(`../domain/samples/${type}.v${version}.json`, import.meta.url), 'utf8').trim()}\n\`\`\`\n`,
    )
  return `# Events\n\n${NOTE}\nEvery event there can be in the log, with its present version and the sample that is frozen in the tests.\n\n${sections.join('\n')}`
}

const errors = (): string => {
  const rows = [...errorCatalog]
    .sort((a, b) => a.code.localeCompare(b.code))
    .map(({ code, status, meaning }) => `| \`${code}\` | ${status} | ${meaning} |`)
  return `# Errors\n\n${NOTE}\nEvery error has a stable code. Over HTTP it is an RFC 9457 problem document with this status; mcpctl prints the code in brackets.\n\n| code | status | meaning |\n| --- | --- | --- |\n${[...new Set(rows)].join('\n')}\n`
}

const kindsReference = (): string => {
  const sections = createRegistry(kinds).kinds.map(
    ({ kind, plural, shortNames, summary, declarable, refersTo, spec, example }) =>
      `## ${kind}\n\n${summary}. Also \`${[plural, ...shortNames].join('`, `')}\`.${declarable ? '' : ' Read-only.'}` +
      `${refersTo.length === 0 ? '' : ` Refers to ${refersTo.join(', ')}.`}\n\n` +
      `| member of \`spec\` | type | required | |\n| --- | --- | --- | --- |\n${members(spec)}\n\n` +
      `\`\`\`json\n${JSON.stringify({ kind, metadata: { name: 'example' }, spec: example }, null, 2)}\n\`\`\`\n`,
  )
  return `# Kinds\n\n${NOTE}\nIn the order in which \`apply\` does them.\n\n${sections.join('\n')}`
}

interface Saved {
  readonly bench: string
  readonly date: string
  readonly node: string
  readonly cores: number
  readonly cpu: string
  readonly figures: Figures
}

const benchmarks = (): string => {
  const folder = new URL('../bench/results/', import.meta.url)
  const sections = readdirSync(folder)
    .sort()
    .map((file) => {
      const saved = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Saved
      const rows = Object.entries(saved.figures).map(([name, value]) => `| \`${name}\` | ${value ?? 'not measured'} |`)
      return (
        `## ${saved.bench}\n\n${described(saved.bench)}\n\n\`npm run bench -- ${saved.bench} --save\`, ${saved.date}, ` +
        `Node ${saved.node}, ${saved.cores} × ${saved.cpu}\n\n| figure | |\n| --- | --- |\n${rows.join('\n')}\n\n` +
        judged(saved.bench, saved.figures)
          .map((line) => `- ${line}\n`)
          .join('')
      )
    })
  return `# Benchmarks\n\n${NOTE}\n${ABOUT_BENCHMARKS}\n\n${sections.join('\n')}`
}

const ABOUT_BENCHMARKS =
  'Absolute numbers belong to the machine they were taken on; what counts are the ratios, whose two sides were measured in turns in the same run. ' +
  'A goal that is missed says so here.'

/** What a bench says of itself: the comment above its default export. */
const described = (bench: string): string => {
  const source = readFileSync(new URL(`../bench/${bench}.ts`, import.meta.url), 'utf8')
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export default/.exec(source)?.[1] ?? ''
  return comment.replace(/^\s*\* ?/gm, '').trim()
}

const pages: Readonly<Record<string, () => string>> = { events, errors, kinds: kindsReference, benchmarks }
const check = process.argv.includes('--check')
let stale = 0
for (const [name, make] of Object.entries(pages)) {
  const file = new URL(`../docs/${name}.md`, import.meta.url)
  const text = make()
  const present = (() => {
    try {
      return readFileSync(file, 'utf8')
    } catch {
      return '' // not made yet
    }
  })()
  if (present === text) continue
  if (check) {
    console.error(`docs/${name}.md is not what the code says: run "npm run docs"`)
    stale++
  } else writeFileSync(file, text)
}
process.exit(stale === 0 ? 0 : 1)
