import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import type { Deps } from './deps.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { ownVersion } from './own-version.ts'
import { argOption, findTool, parseObject, printContent, toolArguments, toolTable } from './tools.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    project: { describe: 'The project', required: true, complete: { kind: 'project' } },
    tool: { describe: 'The tool; without one, the tools are listed' },
  },
  options: {
    arg: argOption,
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
    const given = parseObject('--json', json)
    return await withClient(deps, project, async (client) => {
      const tools = await allTools(client)
      if (tool === undefined) {
        if (output === undefined) deps.out.data(toolTable(tools))
        else await printData(deps.out, output, tools)
        return undefined
      }
      const found = findTool(tools, tool, `project/${project}`, `call ${project}`)
      const result = await client.callTool({ name: tool, arguments: toolArguments(found, arg, given) })
      if (output === undefined) printContent(deps.out, result)
      else await printData(deps.out, output, result)
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
