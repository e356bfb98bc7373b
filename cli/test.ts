import type { Resource } from '../domain/kernel/resource.ts'
import type { Deps } from './deps.ts'
import { durationSeconds } from './duration.ts'
import { CliError, exitCode, usageError } from './errors.ts'
import { type Examined, examine, runningCopy, toolsOf } from './examine.ts'
import { printContent } from './output/content.ts'
import { printData } from './output/data.ts'
import { dataOption } from './output/format.ts'
import { neutralText } from './output/neutral.ts'
import { table } from './output/table.ts'
import { serversAndInstances } from './servers-and-instances.ts'
import { findKind, getTarget } from './targets.ts'
import { argumentOptions, argumentsOf, type GivenArguments } from './tool-arguments/arguments.ts'
import { findTool, toolTable } from './tools.ts'
import { defineVerb } from './verb.ts'

/** Longest wait for one answer; mcpd takes none that is longer. */
const MAX_TIMEOUT_SECONDS = 55

export default defineVerb({
  arguments: {
    target: { describe: 'A server, or an instance', required: true, many: true, complete: { kind: 'server' } },
  },
  options: {
    instance: { type: 'string', describe: 'Only this copy of the server', complete: { kind: 'instance' } },
    tool: { type: 'string', describe: 'Call this tool of one copy, instead of listing what there is' },
    ...argumentOptions,
    timeout: { type: 'string', default: '30s', describe: `For each answer, at most ${MAX_TIMEOUT_SECONDS}s` },
    output: dataOption,
  },
  examples: [
    ['$0 test server/github', 'what each copy says of itself, how fast it answers, and its tools'],
    ['$0 test github --tool get_me', 'call a tool of a copy that runs'],
    ['$0 test everything --instance everything-67efe --tool echo --arg message=hello', 'of one copy'],
    [`$0 test everything --tool get-sum --args-json '{"a": 1, "b": 2}' -o json`, 'the whole result'],
  ],
  epilogue:
    'It goes to the copies themselves, past projects and mcplocal: what works here and not with "mcpctl call" is not the fault ' +
    'of the server. Values of its secrets are blacked out. Exit code 1 when a copy does not answer well, or the tool answers with an error.',
  async run(deps, { target, instance, tool, arg, 'args-json': json, check, timeout, output }) {
    if (tool === undefined && (arg.length > 0 || json !== undefined)) throw usageError('which tool?', 'Name it: --tool')
    const timeoutSeconds = durationSeconds('--timeout', timeout)
    if (timeoutSeconds <= 0 || timeoutSeconds > MAX_TIMEOUT_SECONDS)
      throw usageError(`--timeout must be more than 0 and at most ${MAX_TIMEOUT_SECONDS}s`)
    const { server, copies } = await copiesOf(deps, target, instance)
    if (tool !== undefined) {
      const copy = runningOne(server, copies)
      const given = { args: arg, json, check }
      return await callTool(deps, { server, instance: copy.metadata.name, tool, given, timeoutSeconds, output })
    }
    const examined = await Promise.all(copies.map((copy) => examine(deps.api, server, copy, timeoutSeconds)))
    if (output !== undefined) await printData(deps.out, output, { items: examined })
    else printExamined(deps, server, examined)
    return examined.length > 0 && examined.every(({ ok }) => ok) ? undefined : exitCode.failed
  },
})

/** The copies that are meant, and of which server. */
const copiesOf = async (
  deps: Deps,
  words: readonly string[],
  only: string | undefined,
): Promise<{ server: string; copies: readonly Resource[] }> => {
  const [target, second] = await serversAndInstances(deps, words, 'speak no MCP')
  if (target === undefined || second !== undefined) throw usageError('one server or instance at a time, please')
  const instances = findKind(await deps.registry(), 'instance')
  const name = target.kind === instances ? target.name : only
  if (name === undefined)
    return { server: target.name, copies: (await deps.api.list(instances, { server: target.name })).items }
  const copy = await getTarget(deps.api, { kind: instances, name })
  const server = String(copy.spec.server)
  if (target.kind !== instances && server !== target.name)
    throw new CliError('not-found', `instance/${name} is a copy of server/${server}, not of server/${target.name}`)
  return { server, copies: [copy] }
}

/** The copy that a tool is called of: one that serves, otherwise one that runs. */
const runningOne = (server: string, copies: readonly Resource[]): Resource => {
  const found = runningCopy(copies)
  if (found !== undefined) return found
  throw new CliError('not-running', `no copy of server/${server} runs`, {
    hint: `"mcpctl describe server ${server}" says why`,
  })
}

interface ToolCall {
  readonly server: string
  readonly instance: string
  readonly tool: string
  readonly given: GivenArguments
  readonly timeoutSeconds: number
  readonly output: string | undefined
}

const callTool = async (deps: Deps, call: ToolCall): Promise<number | undefined> => {
  const { server, instance, tool, given, timeoutSeconds, output } = call
  const tools = await toolsOf(deps.api, server, instance, timeoutSeconds)
  const found = findTool(tools, tool, `instance/${instance}`, `test ${server}`)
  const params = { name: tool, arguments: await argumentsOf(deps, found, given) }
  const answer = await deps.api.probe(server, { instance, method: 'tools/call', params, timeoutSeconds })
  if (output !== undefined) await printData(deps.out, output, answer)
  else if (answer.result !== undefined) await printContent(deps.out, answer.result)
  if (answer.ok) return undefined
  if (output === undefined && answer.result === undefined)
    throw new CliError('mcp-error', `instance/${instance}: ${answer.reason ?? 'no good answer'}`)
  return exitCode.failed
}

const printExamined = ({ out }: Deps, server: string, examined: readonly Examined[]): void => {
  if (examined.length === 0) {
    out.note(`server/${server} has no copies`)
    return
  }
  const headers = [
    'INSTANCE',
    'ANSWERS',
    'PROTOCOL',
    'SERVER',
    'CAPABILITIES',
    'TOOLS',
    'RESOURCES',
    'PROMPTS',
    'LATENCY',
  ]
  const rows = examined.map((each) => [
    each.instance,
    each.ok ? 'Yes' : 'No',
    each.protocolVersion ?? '',
    `${each.serverInfo?.name ?? ''} ${each.serverInfo?.version ?? ''}`.trim(),
    (each.capabilities ?? []).join(','),
    ...[each.tools?.length, each.resources, each.prompts].map((count) => (count === undefined ? '' : `${count}`)),
    each.latencyMs === undefined ? '' : `${each.latencyMs} ms`,
  ])
  out.data(table(headers, rows))
  const errors = examined.flatMap(({ instance, errors }) => errors.map((error) => `${instance}: ${error}`))
  if (errors.length > 0) out.line()
  for (const error of errors) out.line(neutralText(error))
  const tools = examined.find((each) => (each.tools?.length ?? 0) > 0)?.tools
  if (tools === undefined) return
  out.line()
  out.data(toolTable(tools))
}
