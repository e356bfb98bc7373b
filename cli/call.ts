import type { JsonObject } from '../domain/kernel/json.ts'
import { exitCode, usageError } from './errors.ts'
import { listAll } from './mcp-client/lists.ts'
import { withProject } from './mcp-client/project.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { argOption, findTool, isTool, parseObject, printContent, toolArguments, toolTable } from './tools.ts'
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
    return await withProject(deps, project, async (connection) => {
      const tools = (await listAll(connection, 'tool')).filter(isTool)
      if (tool === undefined) {
        if (output === undefined) deps.out.data(toolTable(tools))
        else await printData(deps.out, output, tools)
        return undefined
      }
      const found = findTool(tools, tool, `project/${project}`, `call ${project}`)
      const params = { name: tool, arguments: toolArguments(found, arg, given) as JsonObject }
      const result = await connection.request('tools/call', params)
      if (output === undefined) printContent(deps.out, result)
      else await printData(deps.out, output, result)
      return result.isError === true ? exitCode.failed : undefined
    })
  },
})
