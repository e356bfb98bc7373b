import { constants } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { startFailed } from '../../domain/instance/runtime.ts'
import { findInPath, isThere } from './path-search.ts'
import type { ProcessGroups } from './process-groups.ts'
import { runTool } from './tool-run.ts'

/** The npm that came with this node, else the first in PATH. @returns a command and its first arguments. */
const findNpm = async (path: string): Promise<readonly [string, ...string[]]> => {
  const beside = dirname(await realpath(process.execPath))
  for (const folder of [join(beside, '../lib/node_modules'), join(beside, 'node_modules')]) {
    const cli = join(folder, 'npm/bin/npm-cli.js')
    if (await isThere(cli, constants.R_OK)) return [process.execPath, cli]
  }
  const npm = await findInPath('npm', path)
  if (npm !== undefined) {
    const real = await realpath(npm)
    return real.endsWith('.js') ? [process.execPath, real] : [npm]
  }
  throw startFailed(
    'Packages cannot be installed: npm was found neither beside node nor in PATH.',
    'Install npm (it comes with node), or run a server that is there already by its `command`.',
  )
}

/** What npm and the programs it starts are configured by; nothing else of mcpd's environment reaches them. */
const isOfNpm = (name: string): boolean =>
  /^(npm_config_.+|(https?|no|all)_proxy|node_extra_ca_certs|ssl_cert_file|ssl_cert_dir|lang|lc_all|tmpdir)$/i.test(
    name,
  )
/** Left behind in the environment by an `npm run` around mcpd: they mean that project, not ours. */
const isOfProject = (name: string): boolean =>
  /^npm_config_(local_prefix|prefix|global|workspaces?|dry_run|package_lock_only|omit|include|only|json|call|package)$/i.test(
    name,
  )

const npmEnvironment = (
  source: Readonly<Record<string, string | undefined>>,
  options: { scripts: boolean },
): Record<string, string> => {
  const env: Record<string, string> = {}
  for (const [name, value] of Object.entries(source)) {
    if (value !== undefined && isOfNpm(name) && !isOfProject(name)) env[name] = value
  }
  env.PATH = [dirname(process.execPath), source.PATH].filter(Boolean).join(delimiter)
  if (source.HOME !== undefined) env.HOME = source.HOME
  // From npm 11 on scripts need this, too; older ones do not know it. --ignore-scripts is stronger than both.
  if (options.scripts) env.npm_config_dangerously_allow_all_scripts = 'true'
  return env
}

export interface NpmFailure {
  /** npm's own code, such as E404, ETARGET, ENOTFOUND; '' when it gave none. */
  readonly code: string
  /** Its last lines, bounded. */
  readonly output: string
}

/**
 * Runs `npm install` for the package.json in `folder`, as a process group of its own.
 * @returns undefined when it worked, else what npm said.
 * @throws startFailed without npm; the reason of `signal` when that aborts: npm and all it started have ended then.
 */
export const npmInstall = async (options: {
  groups: ProcessGroups
  folder: string
  environment: Readonly<Record<string, string | undefined>>
  scripts: boolean
  /** Whether what npm's cache says of the registry is good enough. */
  cached: boolean
  signal: AbortSignal
}): Promise<NpmFailure | undefined> => {
  const { groups, folder, environment, scripts, cached, signal } = options
  const [command, ...first] = await findNpm(environment.PATH ?? '')
  signal.throwIfAborted()
  const args = [
    ...first,
    'install',
    `--ignore-scripts=${!scripts}`,
    cached ? '--prefer-offline' : '--prefer-online',
    '--omit=dev',
    '--no-audit',
    '--no-fund',
    '--no-progress',
    '--no-update-notifier',
    '--loglevel=error',
    '--logs-max=0',
    '--fetch-retries=1',
    '--fetch-retry-mintimeout=500',
    '--fetch-retry-maxtimeout=2000',
  ]
  const env = npmEnvironment(environment, { scripts })
  let code = ''
  const onLine = (line: string) => {
    code ||= /^npm (?:error|ERR!) code (\S+)/.exec(line)?.[1] ?? ''
  }
  const { exit, output } = await runTool({ groups, command, args, cwd: folder, env, signal, onLine })
  return exit === 0 ? undefined : { code, output }
}
