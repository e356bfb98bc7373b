import type { Progress } from '@modelcontextprotocol/sdk/types.js'
import type { JsonObject } from '../domain/kernel/json.ts'
import type { Deps } from './deps.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import type { McpConnection } from './mcp-client/connect.ts'
import { elicitation } from './mcp-client/elicit.ts'
import { listing } from './mcp-client/lists.ts'
import { withProject } from './mcp-client/project.ts'
import { printContent } from './output/content.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { neutralLine } from './output/neutral.ts'
import { argumentOptions, argumentsOf } from './tool-arguments/arguments.ts'
import { findTool, isTool, noteLeftOut, type Tool, toolTable } from './tools.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: {
    project: { describe: 'The project', required: true, complete: { kind: 'project' } },
    tool: { describe: 'The tool; without one, the tools are listed', complete: 'tool' },
  },
  options: {
    ...argumentOptions,
    'output-dir': { type: 'string', short: 'D', describe: 'Keep images, audio and resources here', complete: 'file' },
    output: dataOption,
  },
  examples: [
    ['$0 call demo', 'the tools of a project'],
    ['$0 call demo everything__echo --arg message=hello', 'call one'],
    ['$0 call demo files__write_file --arg path=/tmp/notes.txt --arg content=@notes.txt', 'a value from a file'],
    ['$0 call demo github__search --arg labels=bug --arg labels=docs --arg filter.state=open', 'a list, and a member'],
    [`$0 call demo everything__get-sum --args-json '{"a": 1, "b": 2}'`, 'with arguments as JSON'],
    ['$0 call demo everything__get-tiny-image -D pictures', 'keep what is no text'],
  ],
  epilogue:
    'It goes the way that an agent goes: over HTTP through mcplocal. On a terminal it asks for arguments that are missing, shows progress, ' +
    'and puts to you what the server asks. Ctrl-C cancels the call at the server. Exit code 1 when the tool answers with an error.',
  async run(deps, { project, tool, arg, 'args-json': json, check, 'output-dir': folder, output }) {
    if (tool === undefined && (arg.length > 0 || json !== undefined)) throw usageError('which tool?')
    const stop = new AbortController()
    const asked = elicitation(deps, () => stop.abort())
    return await withProject(
      deps,
      project,
      async (connection) => {
        const { items, leftOut } = await listing(connection, 'tool')
        const tools = items.filter(isTool)
        if (tools.every(({ name }) => name !== tool)) noteLeftOut(deps.out, leftOut)
        if (tool === undefined) return await printTools(deps, tools, output)
        const found = findTool(tools, tool, `project/${project}`, `call ${project}`)
        const given = await argumentsOf(deps, found, { args: arg, json, check })
        const keep = folder === undefined ? undefined : await (await import('./output/keep.ts')).keepIn(folder)
        const result = await callTool(deps, connection, tool, given)
        if (output === undefined) await printContent(deps.out, result, keep)
        else await printData(deps.out, output, result)
        if (result.isError === true) return exitCode.failed
        await assertOutput(found, result)
        return undefined
      },
      { ...asked, signal: AbortSignal.any([deps.signal, stop.signal]) },
    )
  },
})

const printTools = async ({ out }: Deps, tools: readonly Tool[], output: string | undefined): Promise<undefined> => {
  if (output === undefined) out.data(toolTable(tools))
  else await printData(out, output, tools)
}

const callTool = async (
  { out }: Deps,
  { request }: McpConnection,
  name: string,
  given: JsonObject,
): Promise<JsonObject> => {
  const show = (progress: Progress) => out.progress(progressText(progress))
  try {
    return await request('tools/call', { name, arguments: given }, out.notesAreTTY ? show : undefined)
  } finally {
    out.endProgress()
  }
}

const progressText = ({ progress, total, message }: Progress): string => {
  const share = total === undefined ? `${progress}` : `${progress}/${total}`
  return neutralLine(message === undefined ? share : `${share} ${message}`)
}

/** What agents refuse, too: an answer that is not what the tool has promised. It was printed all the same. */
const assertOutput = async (tool: Tool, result: JsonObject): Promise<void> => {
  const { outputFlaw } = await import('./tool-arguments/output.ts')
  const flaw = outputFlaw(tool, result)
  if (flaw !== undefined)
    throw new CliError('output-invalid', `${tool.name} does not answer what it promises: ${flaw}`, {
      hint: 'Agents may refuse such an answer; it is a fault of the server',
    })
}
