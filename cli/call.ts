import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { keyValue, texts } from './create/flags.ts'
import type { Deps } from './deps.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import { dataOption } from './output/format.ts'
import { neutralText } from './output/neutral.ts'
import { table } from './output/table.ts'
import { ownVersion } from './own-version.ts'
import { didYouMean } from './suggest.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    project: { describe: 'The project', required: true, complete: { kind: 'project' } },
    tool: { describe: 'The tool; without one, the tools are listed' },
  },
  options: {
    arg: { type: 'string', many: true, describe: 'Argument of the tool: K=V; what is no text there is read as JSON' },
    json: { type: 'string', describe: 'All arguments, as a JSON object' },
    output: dataOption,
  },
  examples: [
    ['$0 call demo', 'the tools of a project'],
    ['$0 call demo everything__echo --arg message=hello', 'call one'],
    [`$0 call demo everything__get-sum --json '{"a": 1, "b": 2}'`, 'with arguments as JSON'],
  ],
  epilogue:
    'It goes the way that an agent goes: over HTTP through mcplocal. Exit code 1 when the tool answers with an error.',
  async run(deps, { project, tool, arg, json, output }) {
    if (tool === undefined && (arg.length > 0 || json !== undefined)) throw usageError('which tool?')
    const given = json === undefined ? undefined : parseObject(json)
    return await withClient(deps, project, async (client) => {
      const tools = await allTools(client)
      if (tool === undefined) {
        const rows = tools.map(({ name, description }) => [name, firstSentence(description)])
        if (output === undefined) deps.out.data(table(['TOOL', 'DESCRIPTION'], rows))
        else await printData(deps, output, tools)
        return undefined
      }
      const definition = tools.find(({ name }) => name === tool)
      if (definition === undefined) {
        const hint = didYouMean(
          tool,
          tools.map(({ name }) => name),
          `"mcpctl call ${project}" lists them`,
        )
        throw new CliError('not-found', `project/${project} has no tool "${tool}"`, { hint })
      }
      const result = await client.callTool({
        name: tool,
        arguments: { ...given, ...fromArgs(arg, definition.inputSchema.properties) },
      })
      if (output === undefined) printContent(deps, result)
      else await printData(deps, output, result)
      return result.isError === true ? exitCode.failed : undefined
    })
  },
})

const withClient = async <Answer>(
  deps: Deps,
  project: string,
  use: (client: Client) => Promise<Answer>,
): Promise<Answer> => {
  const [{ Client }, { StreamableHTTPClientTransport }] = await Promise.all([
    import('@modelcontextprotocol/sdk/client/index.js'),
    import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
  ])
  const { mcplocal, token } = deps.config
  const url = new URL(`${mcplocal}/projects/${encodeURIComponent(project)}/mcp`)
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` }
  const transport = new StreamableHTTPClientTransport(url, { requestInit: { headers, signal: deps.signal } })
  const client = new Client({ name: 'mcpctl', version: ownVersion() })
  try {
    // The SDK's transport has optional members that its own interface does not allow to be undefined.
    await client.connect(transport as Parameters<Client['connect']>[0])
    const answer = await use(client)
    await transport.terminateSession()
    return answer
  } catch (error) {
    throw mcpError(error, deps, project)
  } finally {
    await client.close()
  }
}

/** What the SDK throws, in our words. */
const mcpError = (error: unknown, { config, signal }: Deps, project: string): unknown => {
  if (error instanceof CliError || !(error instanceof Error)) return error
  if (signal.aborted) return new CliError('interrupted', 'interrupted', { exit: exitCode.interrupted })
  const code = 'code' in error ? error.code : undefined
  const cause = error.cause instanceof Error && 'code' in error.cause ? error.cause.code : undefined
  if (cause === 'ECONNREFUSED' || error.message === 'fetch failed')
    return new CliError('unreachable', `mcplocal does not answer at ${config.mcplocal}`, {
      hint: 'Start it with "mcpctl up", or say where it is with MCPCTL_MCPLOCAL',
      exit: exitCode.unreachable,
    })
  if (code === 401 || code === 403 || error.name === 'UnauthorizedError')
    return new CliError('forbidden', `mcplocal refuses the token for project/${project}`, {
      hint: 'Log in with "mcpctl login"; "mcpctl whoami" shows who you are',
      exit: exitCode.denied,
    })
  return new CliError('mcp-error', `project/${project}: ${error.message}`, { cause: error })
}

/** Most pages of tools that are asked for. */
const MAX_PAGES = 100

const allTools = async (client: Client) => {
  const first = await client.listTools()
  const tools = [...first.tools]
  let cursor = first.nextCursor
  for (let page = 1; cursor !== undefined && page < MAX_PAGES; page += 1) {
    const next = await client.listTools({ cursor })
    tools.push(...next.tools)
    cursor = next.nextCursor
  }
  return tools
}

const fromArgs = (args: readonly string[], properties: object | undefined): Record<string, unknown> =>
  Object.fromEntries(
    texts(args).map((each) => {
      const [key, value] = keyValue('--arg', each)
      const schema: unknown =
        properties === undefined ? undefined : Object.entries(properties).find(([name]) => name === key)?.[1]
      const isText = typeof schema === 'object' && schema !== null && 'type' in schema && schema.type === 'string'
      return [key, isText ? value : jsonOrText(value)]
    }),
  )

const jsonOrText = (value: string): unknown => {
  try {
    return JSON.parse(value)
  } catch {
    return value // a text without quotes
  }
}

const parseObject = (json: string): Record<string, unknown> => {
  const value = jsonOrText(json)
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw usageError('--json wants a JSON object')
  return { ...value }
}

const printContent = ({ out }: Deps, result: Record<string, unknown>): void => {
  const blocks: unknown[] = Array.isArray(result.content) ? result.content : []
  for (const block of blocks) {
    const text = typeof block === 'object' && block !== null && 'text' in block ? block.text : undefined
    const shown = typeof text === 'string' ? text : JSON.stringify(block, null, 2)
    out.line(out.isTTY ? neutralText(shown) : shown)
  }
  if (blocks.length === 0 && result.structuredContent !== undefined)
    out.line(JSON.stringify(result.structuredContent, null, 2))
}

const printData = async ({ out }: Deps, format: string, value: unknown): Promise<void> => {
  const { toJson, toYaml } = await import('./output/yaml.ts')
  out.data((format === 'json' ? toJson : toYaml)(value))
}

const firstSentence = (text: string | undefined): string => (text ?? '').split(/(?<=[.!?])\s|\n/)[0] ?? ''
