import { durationSeconds } from '../duration.ts'
import { usageError } from '../errors.ts'
import { printContent } from '../output/content.ts'
import { printData } from '../output/data.ts'
import { dataOption } from '../output/format.ts'
import { argumentOptions } from '../tool-arguments/arguments.ts'
import { defineVerb } from '../verb.ts'
import { endpointOf } from './endpoint.ts'
import { Report } from './report.ts'

export default defineVerb({
  arguments: { url: { describe: 'Address of the endpoint, or project/NAME for one of mcplocal' } },
  options: {
    project: {
      type: 'string',
      short: 'p',
      describe: 'The endpoint of this project at mcplocal',
      complete: { kind: 'project' },
    },
    'token-env': { type: 'string', describe: 'Variable that holds the bearer token' },
    token: { type: 'string', describe: '"-": the bearer token comes from standard input', complete: { words: ['-'] } },
    'expect-tools': { type: 'string', describe: 'Tools that have to be there, with commas between them' },
    tool: { type: 'string', describe: 'Call this tool' },
    ...argumentOptions,
    timeout: { type: 'string', default: '30s', describe: 'For each answer' },
    health: { type: 'boolean', default: true, describe: "Whether mcplocal's readiness is asked first" },
    output: dataOption,
  },
  examples: [
    ['$0 test mcp project/demo', 'the endpoint of a project, as an agent meets it'],
    ['$0 test mcp -p demo --expect-tools everything__echo --tool everything__echo --arg message=hi', 'in CI'],
    ['$0 test mcp https://mcp.example.com/mcp --token-env MCP_TOKEN -o json', 'of anybody, as one document'],
    ['pass show mcp | $0 test mcp https://mcp.example.com/mcp --token -', 'with a token from standard input'],
  ],
  epilogue:
    'It speaks Streamable HTTP, or SSE where an endpoint is too old for that. mcplocal gets the token of "mcpctl login"; any other address gets ' +
    'none that is not given for it.\n\nExit codes of this verb:\n  0    all of it works\n  1    no connection, no answer in time, or not let in\n' +
    '  2    an expected tool is missing, the tool answers with an error, or an answer is not what MCP or the schema says; wrong usage\n\n' +
    'A server that is called mcp: mcpctl test server/mcp',
  async run(deps, { url, project, token, tool, arg, check, timeout, health, output, ...values }) {
    const json = values['args-json']
    if (tool === undefined && (arg.length > 0 || json !== undefined)) throw usageError('which tool?', 'Name it: --tool')
    const timeoutMs = durationSeconds('--timeout', timeout) * 1000
    if (timeoutMs <= 0 || timeoutMs > MAX_TIMEOUT_MS) throw usageError('--timeout must be more than 0 and at most 1h')
    const endpoint = await endpointOf(deps, { target: url, project, token, tokenEnv: values['token-env'] })
    const expected = (values['expect-tools'] ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
    const given = { args: arg, json, check }
    const report = new Report(output === undefined ? deps.out : undefined)
    const address = `${endpoint.url.origin}${endpoint.url.pathname}` // a query may hold a secret
    if (output === undefined) deps.out.line(address)
    const { testEndpoint } = await import('./mcp-steps.ts')
    const demands = { health, expected, tool, given }
    const found = await testEndpoint(deps, endpoint, demands, { signal: deps.signal, timeoutMs }, report)
    if (output !== undefined) await printData(deps.out, output, document(address, report, found))
    else if (found.result !== undefined) await printContent(deps.out, found.result)
    return report.exitCode
  },
})

/** Timers take no longer ones than 24 days; nobody waits longer than this. */
const MAX_TIMEOUT_MS = 3_600_000

type Found = Awaited<ReturnType<typeof import('./mcp-steps.ts').testEndpoint>>

const document = (url: string, { steps, exitCode }: Report, { connection, tools, result }: Found) => ({
  url,
  ok: exitCode === 0,
  exitCode,
  ...(connection === undefined
    ? {}
    : {
        transport: connection.transport,
        protocolVersion: connection.protocolVersion,
        serverInfo: connection.client.getServerVersion(),
        capabilities: connection.client.getServerCapabilities(),
      }),
  steps,
  ...(tools === undefined ? {} : { tools: tools.map(({ name }) => name) }),
  ...(result === undefined ? {} : { result }),
})
