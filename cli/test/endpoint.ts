import { withoutLastNewline } from '../ask.ts'
import type { Deps } from '../deps.ts'
import { CliError, exitCode, usageError } from '../errors.ts'
import { assertToken, type McpEndpoint } from '../mcp-client/endpoint.ts'

/** Which endpoint is meant, and where its token is. */
export interface WantedEndpoint {
  /** An address, or `project/NAME`. */
  readonly target: string | undefined
  readonly project: string | undefined
  /** `-` for standard input. */
  readonly token: string | undefined
  readonly tokenEnv: string | undefined
}

/**
 * The endpoint, and its token: the one that is given, or for mcplocal the one of the login. Any other address is sent none that was not given
 * for it.
 * @throws CliError `usage`, `secret-on-command-line`
 */
export const endpointOf = async (deps: Deps, wanted: WantedEndpoint): Promise<McpEndpoint> => {
  const url = addressOf(deps, wanted)
  const given = await givenToken(deps, wanted)
  const token = given ?? (isOfMcplocal(url, deps) ? deps.config.token : undefined)
  if (token !== undefined) assertToken(token)
  return { url, token }
}

/** An endpoint of a project there; others may share its host. */
const isOfMcplocal = (url: URL, { config }: Deps): boolean => {
  const { origin, pathname } = new URL(config.mcplocal)
  return url.origin === origin && url.pathname.startsWith(`${pathname.replace(/\/$/, '')}/projects/`)
}

const addressOf = ({ config }: Deps, { target, project }: WantedEndpoint): URL => {
  if (target !== undefined && project !== undefined) throw usageError('an address and a project: which of them?')
  const name = project ?? /^project\/([^/]+)$/.exec(target ?? '')?.[1]
  if (name !== undefined) return new URL(`${config.mcplocal}/projects/${encodeURIComponent(name)}/mcp`)
  if (target === undefined) throw usageError('test mcp needs URL: the endpoint', EXAMPLE)
  const url = URL.canParse(target) ? new URL(target) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw usageError('test mcp wants an http:// or https:// address, or project/NAME', EXAMPLE)
  if (url.username !== '' || url.password !== '') throw onCommandLine('a password in an address')
  return url
}

const EXAMPLE = 'Example: mcpctl test mcp http://127.0.0.1:3200/projects/demo/mcp'

const givenToken = async ({ env, input }: Deps, { token, tokenEnv }: WantedEndpoint): Promise<string | undefined> => {
  if (token !== undefined && tokenEnv !== undefined) throw usageError('--token and --token-env: which of them?')
  if (token !== undefined && token !== '-') throw onCommandLine('a token')
  if (token === '-') return withoutLastNewline(await input.text())
  if (tokenEnv === undefined) return undefined
  const value = env[tokenEnv]
  if (value !== undefined && value !== '') return value
  // What was written there by mistake may be the token itself.
  throw /^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(tokenEnv)
    ? usageError(`--token-env: the variable ${tokenEnv} is not set`)
    : usageError('--token-env wants the name of a variable', 'Example: --token-env MCP_TOKEN')
}

const onCommandLine = (what: string): CliError =>
  new CliError('secret-on-command-line', `${what} would stand in the process list and in the history of your shell`, {
    exit: exitCode.usage,
    hint: 'Use --token-env VARIABLE, or --token - for standard input; for mcplocal "mcpctl login" keeps one',
  })
