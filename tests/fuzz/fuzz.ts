import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { INSPECT } from '../testing/garbage.ts'
import { startSystem } from '../testing/system.ts'
import type { Report, Selection } from './cases.ts'
import type { Finding } from './findings.ts'
import { fuzzHttp } from './http.ts'
import { fuzzLink } from './link.ts'
import { fuzzManifests } from './manifests.ts'
import { fuzzMcp } from './mcp.ts'
import { fuzzStreams } from './streams.ts'
import { type Target, targetOf, type Usage } from './target.ts'

export interface FuzzOptions {
  readonly seed: number
  /** Cases a part: a route, a kind of message, a kind of manifest. */
  readonly cases: number
  readonly family?: string | undefined
  readonly part?: string | undefined
  readonly index?: number | undefined
  /** Told what goes on. */
  readonly note: (text: string) => void
}

export interface Outcome {
  readonly findings: readonly Finding[]
  /** Inputs by family. */
  readonly inputs: Readonly<Record<string, number>>
}

/** Codes that an answer may have: those of the reference. */
const CODES = new Set(
  [...readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8').matchAll(/^\| `([a-z0-9-]+)`/gm)].map(
    ([, code]) => code ?? '',
  ),
)

const FAMILIES: Readonly<Record<string, (target: Target, selection: Selection) => Promise<Report>>> = {
  http: (target, selection) => fuzzHttp(target, selection, CODES),
  mcp: fuzzMcp,
  link: fuzzLink,
  streams: fuzzStreams,
  manifests: fuzzManifests,
}

/** What a round may leave behind: states that are kept, rows in caches, code that was compiled meanwhile. */
const MAX_HEAP_GROWTH = 24 * 1024 * 1024
const MAX_RSS_GROWTH = 160 * 1024 * 1024
const MAX_HANDLE_GROWTH = 20

/** Starts the built system with its demo, sends it bad input, and looks whether it is still what it was. */
export const fuzz = async (options: FuzzOptions): Promise<Outcome> => {
  const { seed, cases, family, part, index, note } = options
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-fuzz-'))
  const system = await startSystem(home, { args: ['--demo'], env: { NODE_OPTIONS: INSPECT } })
  const findings: Finding[] = []
  const inputs: Record<string, number> = {}
  let ended = false
  try {
    const target = targetOf(system)
    await system.mcpctl(['create', 'secret', 'first-steps', '--from-stdin', 'GREETING'], { stdin: 'hello' })
    const chosen = Object.entries(FAMILIES).filter(([name]) => family === undefined || family === name)
    // A little of everything first: what is loaded and compiled once is no leak.
    if (index === undefined)
      for (const [, run] of chosen) await run(target, { seed: seed + 1, cases: Math.min(10, cases), part })
    const before = await target.usage()
    for (const [name, run] of chosen) {
      const began = performance.now()
      const report = await run(target, { seed, cases, part, index })
      findings.push(...report.findings)
      inputs[name] = [...report.counts.values()].reduce((sum, count) => sum + count, 0)
      note(`${name}: ${inputs[name]} inputs in ${report.counts.size} parts, ${seconds(performance.now() - began)}`)
    }
    findings.push(...(await aftermath(target, before, index === undefined, note)))
    const code = await system.kill('SIGTERM')
    ended = true
    if (code !== 0)
      findings.push({
        family: 'system',
        part: 'end',
        what: `it ended with exit code ${code}:\n${system.output().slice(-1_000)}`,
      })
    return { findings, inputs }
  } finally {
    if (!ended) await system.kill('SIGKILL')
    await rm(home, { recursive: true, force: true })
  }
}

/** Whether the system answers as before, has told of no bug, and has given back what it took. */
const aftermath = async (
  target: Target,
  before: Usage,
  weigh: boolean,
  note: (text: string) => void,
): Promise<Finding[]> => {
  const finding = (part: string, what: string): Finding => ({ family: 'system', part, what })
  const findings = target.complaints().map((line) => finding('log', line.slice(0, 2_000)))
  const called = await target.system.mcpctl(['call', 'demo', 'everything__echo', '--arg', 'message=still here'])
  if (!called.stdout.includes('still here'))
    findings.push(finding('call', `a call fails: ${called.stderr || called.stdout}`))
  const ready = await fetch(new URL('/readyz', target.server))
  if (ready.status !== 200) findings.push(finding('readyz', `it is not ready: ${await ready.text()}`))
  const after = await settled(target, before)
  note(
    `heap ${mb(before.heap)} → ${mb(after.heap)}, own memory ${mb(before.rss)} → ${mb(after.rss)}, handles ${before.handles} → ${after.handles}`,
  )
  if (!weigh) return findings
  if (after.heap - before.heap > MAX_HEAP_GROWTH)
    findings.push(finding('heap', `grew from ${mb(before.heap)} to ${mb(after.heap)}`))
  if (after.rss - before.rss > MAX_RSS_GROWTH)
    findings.push(finding('memory', `grew from ${mb(before.rss)} to ${mb(after.rss)}`))
  if (after.handles - before.handles > MAX_HANDLE_GROWTH)
    findings.push(finding('handles', `grew from ${before.handles} to ${after.handles}`))
  return findings
}

/** Sockets that were left take a moment to be closed on the other side. */
const settled = async (target: Target, before: Usage): Promise<Usage> => {
  const deadline = performance.now() + 10_000
  for (;;) {
    const now = await target.usage()
    if (now.handles - before.handles <= MAX_HANDLE_GROWTH || performance.now() > deadline) return now
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

const mb = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
