import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { posix, resolve, win32 } from 'node:path'
import { DEFAULT_SERVER, readConfigFile } from '../config-file.ts'
import type { Deps } from '../deps.ts'
import { usageError } from '../errors.ts'
import type { Client, Endpoint, Launch, Surroundings } from './clients.ts'

const PROGRAM = 'mcpctl'
export const TOKEN_VARIABLE = 'MCPCTL_TOKEN'

/** Where clients look for their files, on this platform and for this user. */
export const surroundingsOf = ({ env, cwd, platform }: Pick<Deps, 'env' | 'cwd' | 'platform'>): Surroundings => {
  const { join } = platform === 'win32' ? win32 : posix
  const home = (platform === 'win32' ? env.USERPROFILE : env.HOME) || homedir()
  const xdgConfig = env.XDG_CONFIG_HOME || join(home, '.config')
  const appData =
    platform === 'win32'
      ? env.APPDATA || join(home, 'AppData', 'Roaming')
      : platform === 'darwin'
        ? join(home, 'Library', 'Application Support')
        : xdgConfig
  return { home, cwd, appData, xdgConfig, env, join }
}

/**
 * How a client starts `mcpctl mcp`, so that it finds the same mcpd and the same login as mcpctl does here.
 * @throws CliError `usage` where an address holds a password
 */
export const launchOf = async (deps: Deps, client: Client, project: string): Promise<Launch> => {
  const { config, env, cwd } = deps
  const file = readConfigFile(config.path)
  const [command = PROGRAM, ...before] = await commandOf(deps, client)
  const server = withoutSecrets('--server', config.server)
  const isDefault = server === (file.server?.replace(/\/+$/, '') ?? DEFAULT_SERVER)
  return {
    command,
    args: [...before, 'mcp', '-p', project, ...(isDefault ? [] : ['--server', server])],
    env: env.MCPCTL_HOME === undefined ? {} : { MCPCTL_HOME: resolve(cwd, env.MCPCTL_HOME) },
    forward: config.tokenFrom === TOKEN_VARIABLE && file.token === undefined ? [TOKEN_VARIABLE] : [],
  }
}

/** @throws CliError `usage` where the address holds a password */
export const endpointOf = ({ config }: Pick<Deps, 'config'>, project: string): Endpoint => ({
  url: `${withoutSecrets('mcplocal', config.mcplocal)}/projects/${project}/mcp`,
  variable: TOKEN_VARIABLE,
})

/**
 * `mcpctl` where a shell would find it. Else, and for clients that have another PATH than shells, Node and the script: both
 * absolute, for the script's first line would look for Node on that PATH. On Windows, what PATH has is a `.cmd`, which many
 * clients cannot start.
 */
const commandOf = async ({ env, platform, self }: Deps, { absolute }: Client): Promise<readonly string[]> => {
  if (absolute === true || platform === 'win32') return self
  for (const folder of (env.PATH ?? '').split(posix.delimiter))
    if (posix.isAbsolute(folder) && (await isExecutable(posix.join(folder, PROGRAM)))) return [PROGRAM]
  return self
}

const isExecutable = async (path: string): Promise<boolean> => {
  try {
    await access(path, constants.X_OK)
    return true
  } catch {
    return false // not here: the next folder of PATH may have it
  }
}

/** Addresses are written into files that others may read. */
const withoutSecrets = (name: string, address: string): string => {
  const { username, password, search, hash } = new URL(address)
  if (username === '' && password === '' && search === '' && hash === '') return address
  throw usageError(
    `the address of ${name} holds more than host and path, which would be written into the client's file`,
    'Give it without user, password and query; mcpctl logs in with a token',
  )
}
