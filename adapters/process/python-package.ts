import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startFailed } from '../../domain/instance/runtime.ts'
import { codeOf, messageOf } from '../../domain/kernel/errors.ts'
import type { PackageProgram } from './package-program.ts'

const MAX_NAME = 214
const MAX_VERSION = 256
const nameOfPackage = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i
/** A version of PEP 440, and one clause of a specifier: `>=1.2`, `~=1.4.2`, `==2.*`. */
const version = String.raw`v?(?:\d+!)?\d+(?:\.\d+)*(?:[-_.]?(?:alpha|beta|preview|pre|post|rev|dev|rc|[abcr])[-_.]?\d*){0,3}(?:\+[a-z0-9.]+)?`
const exact = new RegExp(`^${version}$`, 'i')
const clause = new RegExp(String.raw`^(?:(?:===|~=|<=|>=|<|>)\s*${version}|(?:==|!=)\s*${version}(?:\.\*)?)$`, 'i')

/** As PyPI compares names: `Mcp_Server.Time` is `mcp-server-time`. */
const normalized = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, '-')

/**
 * What uv is asked for. Refuses what it would take for a path, a URL or an option.
 * @param wanted an exact version, or a specifier of PEP 440; undefined is the newest
 * @throws startFailed
 */
export const requirementOf = (name: string, wanted: string | undefined): string => {
  if (name.length > MAX_NAME || !nameOfPackage.test(name))
    throw startFailed(
      `${JSON.stringify(name.slice(0, MAX_NAME))} is not the name of a package on PyPI.`,
      'A name is letters, digits, "-", "_" and "."; the version is a field of its own.',
    )
  if (wanted === undefined) return name
  const asked = wanted.trim()
  if (exact.test(asked)) return `${name}==${asked}`
  const clauses = asked.split(',').map((each) => each.trim())
  if (wanted.length <= MAX_VERSION && clauses.every((each) => clause.test(each))) return `${name}${clauses.join(',')}`
  throw startFailed(
    `${JSON.stringify(wanted.slice(0, MAX_VERSION))} is neither a version of ${name} nor a range of versions of PyPI.`,
    'Examples: 1.2.3, >=1.2,<2, ~=1.4, ==2.*. Leave it out for the newest when it is first installed.',
  )
}

/** Names in a section of `entry_points.txt`. */
const scriptsIn = (text: string): readonly string[] => {
  const section = /^\[console_scripts\]\s*$([^[]*)/m.exec(text)?.[1] ?? ''
  return [...section.matchAll(/^\s*([\w.-]+)\s*=/gm)].map(([, name = '']) => name)
}

const chooseScript = (name: string, scripts: readonly string[]): string => {
  const [only] = scripts
  if (only === undefined)
    throw startFailed(
      `The package ${name} has no program to start: it declares no console script.`,
      'It is a library. Look in its documentation for the package that holds the server.',
    )
  const chosen = scripts.length === 1 ? only : scripts.find((each) => normalized(each) === normalized(name))
  if (chosen !== undefined) return chosen
  throw startFailed(
    `The package ${name} has several programs and none has its name: ${scripts.join(', ')}.`,
    'Install it by hand and run the right one by its `command`.',
  )
}

/** Where a virtual environment keeps its packages: `lib/python3.12/site-packages`. */
const sitePackages = async (venv: string): Promise<string> => {
  const lib = join(venv, 'lib')
  const python = (await readdir(lib)).find((each) => each.startsWith('python'))
  return join(lib, python ?? 'python', 'site-packages')
}

/**
 * Finds the program of a package that is installed in `folder/venv`: it is started by the environment's own Python.
 * @throws startFailed when the package has none, or several and none of its own name; or when the folder is damaged
 */
export const pythonProgram = async (folder: string, name: string): Promise<PackageProgram> => {
  const venv = join(folder, 'venv')
  try {
    const site = await sitePackages(venv)
    const found = (await readdir(site)).flatMap((each) => {
      const [, distribution, version] = /^(.+)-([^-]+)\.dist-info$/.exec(each) ?? []
      return distribution !== undefined && version !== undefined && normalized(distribution) === normalized(name)
        ? [{ info: join(site, each), version }]
        : []
    })
    const [one] = found
    if (one === undefined) throw Object.assign(new Error(`${site} does not hold ${name}`), { code: 'ENOENT' })
    const points = await readFile(join(one.info, 'entry_points.txt'), 'utf8').catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return ''
      throw error
    })
    const script = join(venv, 'bin', chooseScript(name, scriptsIn(points)))
    await readFile(script)
    return { version: one.version, command: join(venv, 'bin/python'), args: [script] }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'ENOTDIR') throw error
    throw startFailed(
      `The installed package ${name} is damaged: ${messageOf(error)}`,
      `Remove the folder ${folder} and it is installed again.`,
    )
  }
}
