import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { coded, messageOf } from '../../domain/kernel/errors.ts'

/** How one mcpd is set up. From flags, then the environment, then defaults. */
export interface McpdConfig {
  readonly dataFolder: string
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Where the other mcpd on the same EventStoreDB reach this one; undefined is the address it listens on. */
  readonly advertiseUrl?: string
  /** How long after its last sign of life another mcpd runs the servers of this one, in ms. */
  readonly leaseMs: number
  /** EventStoreDB's connection string; undefined is the embedded log in the data folder. May hold credentials: never shown. */
  readonly eventStoreUrl?: string
  /** Postgres for the read models; undefined is PGlite in the data folder. May hold credentials: never shown. */
  readonly databaseUrl?: string
  /** Folders with template files, beside the ones that mcpctl brings. */
  readonly templateFolders: readonly string[]
  /** A file with the first administrator's token, where somebody else makes it. */
  readonly bootstrapTokenFile?: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export const DEFAULT_PORT = 3100

export const invalidConfiguration = coded(
  'invalid-configuration',
  400,
  'A flag or an environment variable does not make sense',
  (name: string, problem: string, program = name.startsWith('MCPLOCAL_') ? 'mcplocal' : 'mcpd') => ({
    message: `${name} ${problem}`,
    hint: `"${program} --help" lists all of them`,
  }),
)

type Env = McpdConfig['env']

/** @throws InvalidConfiguration naming the flag or variable */
export const mcpdConfig = async (
  flags: {
    readonly dataFolder?: string
    readonly host?: string
    readonly port?: number
    readonly templates?: readonly string[]
  },
  env: Env,
): Promise<McpdConfig> => {
  const eventStoreUrl = checked(
    env,
    'EVENTSTORE_URL',
    /^(esdb|kurrentdb|eventstoredb)(\+discover)?:\/\//,
    'esdb://host:2113',
  )
  const databaseUrl = checked(env, 'DATABASE_URL', /^postgres(ql)?:\/\//, 'postgres://user@host:5432/database')
  const advertiseUrl = checked(env, 'MCPD_ADVERTISE_URL', /^https?:\/\//, 'http://host:3100')
  return {
    dataFolder: resolve(flags.dataFolder ?? env.MCPCTL_DATA_FOLDER ?? defaultDataFolder(env)),
    host: flags.host ?? env.MCPD_HOST ?? '127.0.0.1',
    port:
      portOf({ ...env, ...(flags.port === undefined ? {} : { MCPD_PORT: String(flags.port) }) }, 'MCPD_PORT') ??
      DEFAULT_PORT,
    leaseMs: secondsOf(env, 'MCPD_LEASE_SECONDS', 3600) ?? DEFAULT_LEASE_MS,
    templateFolders: templateFoldersOf(flags.templates ?? [], env),
    env,
    ...(advertiseUrl === undefined ? {} : { advertiseUrl }),
    ...(eventStoreUrl === undefined ? {} : { eventStoreUrl }),
    ...(databaseUrl === undefined ? {} : { databaseUrl: await withPassword(databaseUrl, env) }),
    ...(env.MCPCTL_BOOTSTRAP_TOKEN_FILE === undefined ? {} : { bootstrapTokenFile: env.MCPCTL_BOOTSTRAP_TOKEN_FILE }),
  }
}

/** `~/.mcpctl/data`, or below `MCPCTL_HOME`. */
const defaultDataFolder = (env: Env): string => join(env.MCPCTL_HOME ?? join(homedir(), '.mcpctl'), 'data')

/** Those of the flags, else of `MCPD_TEMPLATES`, which separates them as PATH does. Each once. */
const templateFoldersOf = (flags: readonly string[], env: Env): readonly string[] => {
  const given = flags.length > 0 ? flags : (env.MCPD_TEMPLATES ?? '').split(delimiter)
  return [...new Set(given.filter((folder) => folder !== '').map((folder) => resolve(folder)))]
}

/** A port number from the environment; undefined when it is not set. */
export const portOf = (env: Env, name: string): number | undefined => {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw invalidConfiguration(name, 'must be a port: 0 to 65535')
  return port
}

/** Whole seconds from the environment, as milliseconds; undefined when it is not set. */
export const secondsOf = (env: Env, name: string, most: number): number | undefined => {
  const text = env[name]
  if (text === undefined || text === '') return undefined
  const seconds = Number(text)
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > most)
    throw invalidConfiguration(name, `must be a whole number of seconds: 1 to ${most}`)
  return seconds * 1000
}

/** Where mcplocal finds mcpd. @throws InvalidConfiguration; the value is not shown, as it may hold a password */
export const mcpdAddress = (value: string): string => {
  if (URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)) return value
  throw invalidConfiguration('MCPCTL_SERVER, or --server,', 'must be an http:// or https:// address', 'mcplocal')
}

/** A renewal is an event: a shorter lease fills the log faster. */
const DEFAULT_LEASE_MS = 15_000

const checked = (env: Env, name: string, pattern: RegExp, example: string): string | undefined => {
  const value = env[name]
  if (value === undefined || value === '') return undefined
  // The value itself is not shown: it may hold a password.
  if (!pattern.test(value)) throw invalidConfiguration(name, `must look like ${example}`)
  return value
}

/** Containers get a password as a file, so that it stands in no environment. */
const withPassword = async (url: string, env: Env): Promise<string> => {
  const file = env.DATABASE_PASSWORD_FILE
  if (file === undefined) return url
  const parsed = new URL(url)
  try {
    parsed.password = encodeURIComponent((await readFile(file, 'utf8')).trim())
  } catch (error) {
    throw invalidConfiguration('DATABASE_PASSWORD_FILE', `cannot be read: ${messageOf(error)}`)
  }
  return parsed.href
}
