import type { Config } from '../config-file.ts'
import { usageError } from '../errors.ts'

/** Options of `config claude` and `config cursor`. */
export const snippetOptions = {
  project: { type: 'string', short: 'p', required: true, describe: 'The project', complete: { kind: 'project' } },
  http: { type: 'boolean', describe: 'Connect to mcplocal over HTTP, instead of starting mcpctl' },
} as const

/**
 * The `mcpServers` object of a client's configuration, as JSON. It never holds a token: over STDIO mcpctl finds its own, over HTTP the
 * client takes it from the variable MCPCTL_TOKEN, in the client's own spelling.
 */
export const snippet = (
  config: Pick<Config, 'mcplocal'>,
  project: string,
  http: { readonly type?: 'http'; readonly variable: string } | undefined,
): string => {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(project)) throw usageError(`"${project}" is no name of a project`)
  const entry =
    http === undefined
      ? { command: 'mcpctl', args: ['mcp', '-p', project] }
      : {
          ...(http.type === undefined ? {} : { type: http.type }),
          url: `${config.mcplocal}/projects/${project}/mcp`,
          headers: { Authorization: `Bearer \${${http.variable}}` },
        }
  return `${JSON.stringify({ mcpServers: { [project]: entry } }, null, 2)}\n`
}

export const TOKEN_NOTE = 'Set MCPCTL_TOKEN in the environment that it is started from.'
