import type { Deps } from '../deps.ts'
import { CliError, exitCode, usageError } from '../errors.ts'

/** Where MCP is spoken, and as whom. */
export interface McpEndpoint {
  readonly url: URL
  /** The bearer token; undefined where none is sent. */
  readonly token: string | undefined
}

/**
 * The endpoint of a project at mcplocal, for whoever is logged in.
 * @throws CliError `unauthenticated` when nobody is
 */
export const projectEndpoint = (
  { config: { mcplocal, token } }: Pick<Deps, 'config'>,
  project: string,
): McpEndpoint => {
  if (token === undefined)
    throw new CliError('unauthenticated', 'nobody is logged in', {
      exit: exitCode.denied,
      hint: 'Log in with "mcpctl login", or set MCPCTL_TOKEN',
    })
  assertToken(token)
  return { url: new URL(`${mcplocal}/projects/${encodeURIComponent(project)}/mcp`), token }
}

/** What goes into a header; `fetch` would put one that does not into its message. @throws CliError `usage` */
export const assertToken = (token: string): void => {
  if (!/^[\x21-\x7e]+$/.test(token)) throw usageError('that is no token: one line without spaces is expected')
}
