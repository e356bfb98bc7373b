import { readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments, stringify } from 'yaml'
import { World } from '../../cli/testing/world.ts'
import { DEADLINE_MS, indexesOf, partsOf, type Report, type Selection } from './cases.ts'
import { createDice, type Dice, seedOf } from './dice.ts'
import { excerpt, type Finding, showsInsides } from './findings.ts'
import { hostileText } from './hostile.ts'
import { mutated, mutatedBytes } from './mutate.ts'
import type { Target } from './target.ts'

const FAMILY = 'manifests'

/** Of so many cases one goes through a process of its own. */
const ONE_IN_A_PROCESS = 50

/**
 * Gives `mcpctl apply` manifests that are broken in their bytes and in their structure, always as a dry run on the server: what
 * is accepted must not be done, for it could run any program.
 */
export const fuzzManifests = async (target: Target, selection: Selection): Promise<Report> => {
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  const world = new World()
  await world.start()
  try {
    const env = { MCPCTL_SERVER: target.server.href.replace(/\/$/, ''), MCPCTL_TOKEN: target.token }
    const { out: exported } = await world.run(['get', 'secretbackends,secrets,servers,projects', '-o', 'yaml'], { env })
    const texts = [...examples(), exported]
    const before = await target.head()
    for (const [name, make] of Object.entries(PARTS)) {
      if (!partsOf(selection, [name]).includes(name)) continue
      const indexes = indexesOf(selection)
      counts.set(name, indexes.length)
      for (const i of indexes) {
        const dice = createDice(seedOf(selection.seed, FAMILY, name, i))
        const bytes = make(dice, dice.pick(texts))
        const file = await world.file('fuzz.yaml', '')
        await writeFile(file, bytes)
        const argv = ['apply', '-f', file, '--dry-run=server']
        const began = performance.now()
        const ran =
          i % ONE_IN_A_PROCESS === ONE_IN_A_PROCESS - 1 ? await inProcess(target, argv) : await world.run(argv, { env })
        const what = wrongWith(ran, file, performance.now() - began)
        if (what !== undefined)
          findings.push({ family: FAMILY, part: name, index: i, what, sent: excerpt(bytes, 1_500) })
      }
    }
    const moved = (await target.head()) - before
    if (moved !== 0n) findings.push({ family: FAMILY, part: 'all', what: `dry runs have moved the log by ${moved}` })
    return { counts, findings }
  } finally {
    await world.stop()
  }
}

const examples = (): readonly string[] => {
  const folder = fileURLToPath(new URL('../../examples/', import.meta.url))
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(folder + name, 'utf8'))
}

const PARTS: Readonly<Record<string, (dice: Dice, text: string) => Buffer>> = {
  bytes: (dice, text) => {
    let bytes: Buffer = Buffer.from(text)
    for (let count = 1 + dice.below(3); count > 0; count -= 1)
      bytes = mutatedBytes(dice, bytes.toString('utf8'), '{}[]:-,&*!|>\'"%@`#? \n\t\r\0')
    return bytes
  },
  structure: (dice, text) => {
    const documents = parseAllDocuments(text).map((document): unknown => document.toJS())
    const at = dice.below(documents.length)
    const changed = documents.map((each, i) => (i === at ? mutated(dice, each) : each))
    return Buffer.from(changed.map(written).join('---\n'))
  },
  lines: (dice, text) => {
    const lines = text.split('\n')
    const at = dice.below(lines.length)
    const line = lines[at] ?? ''
    const odd = dice.pick([
      `\t${line}`,
      ` ${line}`,
      `${line}\r`,
      line.replace(':', ''),
      line.replace(/: .*/, `: ${hostileText(dice)}`),
      line.replace(/: .*/, ': !!js/function "function () {}"'),
      line.replace(/: .*/, ': !!binary aGk='),
      line.replace(/: .*/, ': !!timestamp 2026-01-01'),
      line.replace(/: .*/, ': &a [*a]'),
      line.replace(/: .*/, ': *none'),
      line.replace(/: .*/, ': |2\n x'),
      line.replace(/: .*/, ': 0o17'),
      line.replace(/: .*/, ': .nan'),
      `${line}\n${line}`,
      `${line}\n...`,
      `---\n${line}`,
      '%YAML 9.9',
      '<<: {kind: server}',
      '? [a, b]\n: c',
      '"__proto__": {a: 1}',
      'constructor: {prototype: {a: 1}}',
    ])
    return Buffer.from([...lines.slice(0, at), odd, ...lines.slice(at + 1)].join(dice.pick(['\n', '\n', '\r\n', '\r'])))
  },
  bombs: (dice, text) => {
    const laughs = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (const [i, name] of [...'bcdefghi'].entries())
      laughs.push(`${name}: &${name} [${Array.from({ length: 9 }, () => `*${'abcdefghi'[i]}`).join(',')}]`)
    return Buffer.from(
      dice.pick([
        () => laughs.join('\n'),
        () => `kind: server\nmetadata: {name: a}\nspec:\n  ${laughs.join('\n  ')}\n`,
        () => `a: &a {b: *a}\n${text}`,
        () => `${'- '.repeat(dice.pick([100, 5_000]))}x`,
        () => '['.repeat(dice.pick([100, 20_000])),
        () => `{a: ${'{a: '.repeat(dice.pick([100, 5_000]))}`,
        () => `servers: ${'['.repeat(3_000)}${']'.repeat(3_000)}`,
        () => '---\n'.repeat(dice.pick([100, 5_000])),
        () => `${text}\n---\n`.repeat(dice.pick([2, 20])),
        () => `servers:\n${'  - { name: a, command: x }\n'.repeat(dice.pick([10, 2_000]))}`,
        () => `servers:\n${Array.from({ length: 300 }, (_, i) => `  - { name: a${i}, comand: x }\n`).join('')}`,
        () => `kind: server\nmetadata: {name: a}\nspec: {command: "${'x'.repeat(dice.pick([33_000, 2_000_000]))}"}\n`,
        () => `kind: ${hostileText(dice).toWellFormed()}\nmetadata: {name: a}\n`,
        () => `kind: server\nmetadata: {name: ${JSON.stringify(hostileText(dice))}}\nspec: {command: x}\n`,
        () => `${hostileText(dice).toWellFormed()}: [{name: a}]\n`,
        () => '\ufeff'.repeat(3) + text,
        () => `#${'x'.repeat(1_000_000)}`,
      ])(),
    )
  },
}

/** YAML of a value, or JSON where it is nested deeper than the library writes. */
const written = (value: unknown): string => {
  try {
    return stringify(value)
  } catch {
    return '[too, deep, to, be, written]\n'
  }
}

interface Ran {
  readonly code: number
  readonly err: string
  readonly out: string
}

const inProcess = async ({ system }: Target, argv: readonly string[]): Promise<Ran> => {
  const { code, stdout, stderr } = await system.mcpctl(argv)
  return { code, out: stdout, err: stderr }
}

/** What is wrong with what mcpctl made of it, or undefined. */
const wrongWith = ({ code, err, out }: Ran, file: string, ms: number): string | undefined => {
  if (ms > DEADLINE_MS) return `took ${Math.round(ms)} ms`
  if (showsInsides(err + out) || err.includes('bug in mcpctl')) return `shows insides: ${err.slice(0, 500)}`
  if (![0, 1, 2].includes(code)) return `exit code ${code}: ${err.slice(0, 500)}`
  if (code === 0) return undefined
  if (!/^error: /m.test(err)) return `no error: ${err.slice(0, 500)}`
  if (!err.includes(file)) return `does not name the file: ${err.slice(0, 500)}`
  const noPlace = /cannot be read|there is no resource/.test(err)
  return noPlace || err.includes(`${file}:`) ? undefined : `names no place: ${err.slice(0, 500)}`
}
