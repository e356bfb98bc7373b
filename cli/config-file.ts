import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../domain/kernel/errors.ts'
import { CliError, exitCode } from './errors.ts'

export const DEFAULT_SERVER = 'http://127.0.0.1:3100'
export const DEFAULT_MCPLOCAL = 'http://127.0.0.1:3200'

/** What `config.json` holds. */
export interface ConfigFile {
  readonly server?: string
  readonly mcplocal?: string
  readonly token?: string
}

/** Where to talk to and as whom; what the environment and the flags say comes before what the file says. */
export interface Config {
  readonly folder: string
  readonly path: string
  readonly server: string
  readonly mcplocal: string
  /** Undefined when nobody is logged in. Never printed. */
  readonly token: string | undefined
  /** Where the token comes from, for `config view`. */
  readonly tokenFrom: 'MCPCTL_TOKEN' | 'file' | 'none'
}

type Env = Readonly<Record<string, string | undefined>>

/** The folder of mcpctl's own files: `MCPCTL_HOME`, or `~/.mcpctl`. */
export const configFolder = (env: Env): string => env.MCPCTL_HOME ?? join(env.HOME ?? homedir(), '.mcpctl')

/**
 * Reads the configuration. A missing file is an empty one.
 * @throws CliError `bad-config` when the file is no JSON object or an address is no URL
 */
export const loadConfig = (env: Env, flags: { readonly server?: string | undefined } = {}): Config => {
  const folder = configFolder(env)
  const path = join(folder, 'config.json')
  const file = readConfigFile(path)
  const token = nonEmpty(env.MCPCTL_TOKEN) ?? file.token
  return {
    folder,
    path,
    server:
      address('--server', flags.server) ??
      address('MCPCTL_SERVER', env.MCPCTL_SERVER) ??
      address(path, file.server) ??
      DEFAULT_SERVER,
    mcplocal: address('MCPCTL_MCPLOCAL', env.MCPCTL_MCPLOCAL) ?? address(path, file.mcplocal) ?? DEFAULT_MCPLOCAL,
    token,
    tokenFrom: nonEmpty(env.MCPCTL_TOKEN) !== undefined ? 'MCPCTL_TOKEN' : file.token !== undefined ? 'file' : 'none',
  }
}

/** Reads `config.json`; `{}` when there is none. */
export const readConfigFile = (path: string): ConfigFile => {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {}
    throw new CliError('bad-config', `${path} cannot be read: ${messageOf(error)}`)
  }
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('it is no JSON object')
    const { server, mcplocal, token } = parsed as Record<string, unknown>
    return { ...textMember('server', server), ...textMember('mcplocal', mcplocal), ...textMember('token', token) }
  } catch (error) {
    // JSON.parse quotes the text in its message, and a token may stand there.
    const reason = error instanceof SyntaxError ? 'it is no JSON' : messageOf(error)
    throw new CliError('bad-config', `${path} cannot be used: ${reason}`, {
      hint: 'Mend it, or remove it and log in again',
    })
  }
}

/** Merges `change` into `config.json`; `undefined` removes. Written beside and renamed: 0600, in a 0700 folder. */
export const saveConfig = async (
  config: Pick<Config, 'folder' | 'path'>,
  change: { readonly [Key in keyof ConfigFile]: ConfigFile[Key] | undefined },
): Promise<void> => {
  // Most lines only read it.
  const { chmod, mkdir, rename, writeFile } = await import('node:fs/promises')
  const next = { ...readConfigFile(config.path), ...change }
  await mkdir(config.folder, { recursive: true, mode: 0o700 })
  await chmod(config.folder, 0o700) // it may have been there before, and open to others
  const beside = `${config.path}.${process.pid}.tmp`
  await writeFile(beside, `${JSON.stringify(next, null, 2)}\n`, { mode: 0o600 })
  await rename(beside, config.path)
}

const nonEmpty = (text: string | undefined): string | undefined =>
  text === undefined || text === '' ? undefined : text

const textMember = (key: string, value: unknown): object => {
  if (value === undefined) return {}
  if (typeof value !== 'string') throw new Error(`${key} is no text`)
  return { [key]: value }
}

const address = (where: string, text: string | undefined): string | undefined => {
  if (text === undefined || text === '') return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new CliError('bad-config', `${where}: "${text}" is no http:// or https:// address`, { exit: exitCode.usage })
  return text.replace(/\/+$/, '')
}
