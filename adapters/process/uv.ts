import { join } from 'node:path'
import { startFailed } from '../../domain/instance/runtime.ts'
import type { CodedError } from '../../domain/kernel/errors.ts'
import { findInPath } from './path-search.ts'
import type { ProcessGroups } from './process-groups.ts'
import { runTool } from './tool-run.ts'

/** The first uv in PATH. @throws startFailed */
const findUv = async (path: string): Promise<string> => {
  const uv = await findInPath('uv', path)
  if (uv !== undefined) return uv
  throw startFailed(
    'Packages from PyPI cannot be installed: uv was not found in PATH.',
    'Install uv (https://docs.astral.sh/uv, or: pipx install uv) for the user that mcpd runs as; the start is tried again.',
  )
}

/** What uv is configured by; nothing else of mcpd's environment reaches it or what it builds. */
const isOfUv = (name: string): boolean =>
  /^(uv_.+|(https?|no|all)_proxy|ssl_cert_file|ssl_cert_dir|lang|lc_all|tmpdir)$/i.test(name)
/** What would make it work elsewhere than we say. */
const isOfProject = (name: string): boolean =>
  /^UV_(PROJECT.*|WORKING_DIR.*|TOOL_.*|CACHE_DIR|NO_CACHE|PYTHON_INSTALL_DIR|PYTHON_INSTALL_BIN|PYTHON|SYSTEM_PYTHON|BREAK_SYSTEM_PACKAGES|OFFLINE|NO_BUILD.*)$/.test(
    name,
  )

const uvEnvironment = (
  source: Readonly<Record<string, string | undefined>>,
  ownFolder: string,
): Record<string, string> => {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(source))
    if (value !== undefined && isOfUv(name) && !isOfProject(name)) env[name] = value
  if (source.PATH !== undefined) env.PATH = source.PATH
  if (source.HOME !== undefined) env.HOME = source.HOME
  return {
    ...env,
    UV_CACHE_DIR: join(ownFolder, 'cache'),
    UV_PYTHON_INSTALL_DIR: join(ownFolder, 'python'),
    UV_NO_PROGRESS: '1',
    NO_COLOR: '1',
  }
}

const includesAny = (text: string, words: readonly string[]) => words.some((word) => text.includes(word))

/** What uv said as a reason for people. `shown` is the package as it was asked for. */
const uvFailed = (shown: string, name: string, output: string): CodedError => {
  // uv breaks its sentences into lines.
  const said = output.replace(/[\s│╰─▶├×]+/g, ' ')
  const failed = `The package ${shown} could not be installed`
  if (includesAny(said, ['No space left', 'os error 28', 'Disk quota exceeded']))
    return startFailed(
      `${failed}: the disk is full.`,
      'Free some space on the disk of the data folder; the start is tried again.',
    )
  if (
    includesAny(said, [
      'Building source distributions',
      'has no usable wheels',
      'no wheels with a matching',
      '--no-build',
    ])
  )
    return startFailed(
      `${failed}: it, or a package that it needs, has to be built, which runs its code.`,
      'Set `allowScripts: true` if you trust it and all it depends on.',
    )
  if (said.includes(`${name} was not found in the package registry`))
    return startFailed(`The package ${name} does not exist on PyPI.`, 'Check the spelling of `packageName`.')
  if (/there (is|are) no versions? of|only .{0,200}(is|are) available|requirements are unsatisfiable/.test(said))
    return startFailed(
      `The package ${shown} was not found, or not together with all it needs. The last lines of uv:\n${output}`,
      `See which versions there are: https://pypi.org/project/${name}/#history`,
    )
  if (includesAny(said, ['Failed to fetch', 'dns error', 'error sending request', 'Could not connect', 'timed out']))
    return startFailed(
      `${failed}: PyPI cannot be reached.`,
      'Check the network and the proxy settings. What is installed already needs no network; the start is tried again.',
    )
  if (includesAny(said, ['No interpreter found', 'No Python']))
    return startFailed(`${failed}: uv found no Python and could not get one.`, 'Install Python 3.')
  return startFailed(
    `${failed}. The last lines of uv:\n${output}`,
    'The same happens with `uv pip install` by hand; mend it there first.',
  )
}

/**
 * Installs a package from PyPI with all it needs into a virtual environment of its own, `folder/venv`.
 *
 * @param requirement the package and which versions of it may be taken, `name==1.2.3`
 * @param ownFolder for uv's cache, and for a Python that uv gets where there is none
 * @throws startFailed with the reason; the reason of `signal` when that aborts: uv and all it started have ended then
 */
export const uvInstall = async (options: {
  readonly groups: ProcessGroups
  readonly folder: string
  readonly ownFolder: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly name: string
  readonly requirement: string
  /** Whether packages may be built, which runs what their authors wrote. */
  readonly scripts: boolean
  readonly signal: AbortSignal
}): Promise<void> => {
  const { groups, folder, ownFolder, environment, name, requirement, scripts, signal } = options
  const uv = await findUv(environment.PATH ?? '')
  signal.throwIfAborted()
  const run = { groups, command: uv, cwd: folder, env: uvEnvironment(environment, ownFolder), signal }
  // Relocatable: it is moved to its place when it is whole.
  const made = await runTool({ ...run, args: ['venv', '--quiet', '--relocatable', 'venv'] })
  if (made.exit !== 0) throw uvFailed(requirement, name, made.output)
  const python = join(folder, 'venv/bin/python')
  const build = scripts ? [] : ['--no-build']
  const args = ['pip', 'install', '--quiet', '--python', python, ...build, requirement]
  const { exit, output } = await runTool({ ...run, args })
  if (exit !== 0) throw uvFailed(requirement, name, output)
}
