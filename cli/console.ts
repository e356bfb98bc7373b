import { CliError, exitCode, usageError } from './errors.ts'
import { defineVerb } from './verb.ts'

export default defineVerb({
  arguments: { name: { describe: 'The project', complete: { kind: 'project' } } },
  options: {
    project: { type: 'string', short: 'p', describe: 'The project', complete: { kind: 'project' } },
    traffic: { type: 'boolean', describe: 'No console: print messages, one a line, as they pass' },
    filter: { type: 'string', describe: 'Only such messages: words, method:, server:, side:, session:, id:, errors' },
    output: { type: 'string', short: 'o', choices: ['json'], describe: 'With --traffic: json, one document a line' },
  },
  examples: [
    ['$0 console demo', 'tools, prompts and resources of a project, and the traffic of its sessions'],
    ['$0 console demo --traffic', 'only the messages, as lines'],
    ["$0 console demo --traffic -o json --filter 'method:tools/call errors'", 'for a script'],
  ],
  epilogue:
    'It shows the sessions at mcplocal that were opened with your own token, while it runs; nothing is recorded.\nSessions of "mcpctl mcp" go past mcplocal and are not seen.',
  async run(deps, { name, project, traffic, filter, output }) {
    const wanted = project ?? name
    if (wanted === undefined) throw usageError('which project?', 'Example: mcpctl console demo')
    if (project !== undefined && name !== undefined && project !== name)
      throw usageError(`which project, "${name}" or "${project}"?`)
    if (traffic) {
      const { follow } = await import('./console/follow.ts')
      await follow(deps, { project: wanted, filter, json: output === 'json' })
      return undefined
    }
    if (output !== undefined) throw usageError('-o goes with --traffic', `mcpctl console ${wanted} --traffic -o json`)
    if (!deps.out.isTTY || !deps.input.isTTY)
      throw new CliError('no-terminal', 'the console needs a terminal', {
        hint: `"mcpctl console ${wanted} --traffic" prints the messages as lines, "mcpctl call ${wanted}" calls tools`,
        exit: exitCode.usage,
      })
    const { showConsole } = await import('./console/screen.tsx')
    await showConsole(deps, wanted, filter)
    return undefined
  },
})
