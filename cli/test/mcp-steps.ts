import { CallToolResultSchema, ListToolsResultSchema, type Tool as SdkTool } from '@modelcontextprotocol/sdk/types.js'
import { messageOf } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import type { Deps } from '../deps.ts'
import type { ConnectOptions, McpConnection } from '../mcp-client/connect.ts'
import { connectMcp } from '../mcp-client/connect.ts'
import type { McpEndpoint } from '../mcp-client/endpoint.ts'
import { McpFailure } from '../mcp-client/failure.ts'
import { bodyStart } from '../mcp-client/fetch.ts'
import { listAll } from '../mcp-client/lists.ts'
import { closest } from '../suggest.ts'
import { argumentsOf, type GivenArguments } from '../tool-arguments/arguments.ts'
import { inTime } from '../tool-arguments/in-time.ts'
import { outputFlaw } from '../tool-arguments/output.ts'
import { validatorOf } from '../tool-arguments/validator.ts'
import { isTool, type Tool } from '../tools.ts'
import { ContractBroken, type Report } from './report.ts'

/** What is asked of an endpoint beyond that it answers. */
export interface Demands {
  readonly health: boolean
  readonly expected: readonly string[]
  readonly tool: string | undefined
  readonly given: GivenArguments
}

/** What came out beside the steps. */
export interface Findings {
  readonly connection?: McpConnection
  readonly tools?: readonly Tool[]
  readonly result?: JsonObject
}

/** Tests an endpoint, step by step. The way there failing ends it; what is answered wrongly does not. */
export const testEndpoint = async (
  deps: Deps,
  endpoint: McpEndpoint,
  { health, expected, tool, given }: Demands,
  options: ConnectOptions,
  report: Report,
): Promise<Findings> => {
  if (health) await checkHealth(endpoint.url, options, report)
  const connection = await report.try('initialize', () => connectMcp(endpoint, options), whoText)
  if (connection === undefined) return {}
  try {
    await report.try(
      'ping',
      () => connection.request('ping'),
      () => 'answers',
    )
    const wantsTools = expected.length > 0 || tool !== undefined
    if (!wantsTools && connection.client.getServerCapabilities()?.tools === undefined) {
      report.skip('tools', 'it offers none')
      return { connection }
    }
    const tools = await report.try(
      'tools',
      () => toolsOf(connection),
      ({ length }) => `${length} tools`,
    )
    if (tools === undefined) return { connection }
    if (expected.length > 0)
      await report.try(
        'expect',
        async () => assertThere(tools, expected),
        () => `${expected.length} expected, all there`,
      )
    if (tool === undefined) return { connection, tools }
    const result = await report.try('call', () => call(deps, connection, tools, tool, given), resultText)
    return { connection, tools, ...(result === undefined ? {} : { result }) }
  } finally {
    await connection.close()
  }
}

const PROJECT_PATH = /^(.*)\/projects\/[^/]+\/mcp\/?$/

const checkHealth = async (url: URL, options: ConnectOptions, report: Report): Promise<void> => {
  const base = PROJECT_PATH.exec(url.pathname)?.[1]
  if (base === undefined) return report.skip('health', 'no endpoint of mcplocal')
  const ready = new URL(`${base}/readyz`, url)
  await report.try(
    'health',
    () => readiness(ready, options),
    (text) => text,
  )
}

const readiness = async (url: URL, { signal, timeoutMs }: ConnectOptions): Promise<string> => {
  const late = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, late]), redirect: 'manual' })
    const text = (await bodyStart(response)).trim().split('\n')[0] ?? ''
    if (response.status === 404) return 'no health endpoint there'
    if (!response.ok) throw new McpFailure('refused', `not ready: ${text === '' ? `HTTP ${response.status}` : text}`)
    return 'mcplocal is ready'
  } catch (error) {
    if (late.aborted) throw new McpFailure('timeout', `no answer within ${timeoutMs / 1000} s`)
    throw error
  }
}

const whoText = ({ client, transport, protocolVersion }: McpConnection): string => {
  const { name = '', version = '' } = client.getServerVersion() ?? {}
  const capabilities = Object.keys(client.getServerCapabilities() ?? {}).join(', ')
  return `${name} ${version}, protocol ${protocolVersion} over ${transport}${capabilities === '' ? '' : `, with ${capabilities}`}`
}

/** The tools, if they are what a client can use: one bad schema makes the SDK's client refuse all of them. */
const toolsOf = async (connection: McpConnection): Promise<readonly Tool[]> => {
  const tools = (await listAll(connection, 'tool')).filter(isTool)
  const { error } = ListToolsResultSchema.safeParse({ tools } satisfies { tools: readonly (Tool | SdkTool)[] })
  const [issue] = error?.issues ?? []
  if (issue !== undefined) {
    const [, at, ...path] = issue.path
    const name = tools[Number(at)]?.name ?? ''
    throw new ContractBroken(`the tool ${name} is not what MCP says: ${path.join('.')}: ${issue.message}`)
  }
  const twice = tools.find(({ name }, at) => tools.findIndex((each) => each.name === name) !== at)
  if (twice !== undefined) throw new ContractBroken(`two tools are called ${twice.name}`)
  for (const { name, outputSchema } of tools) if (isObject(outputSchema)) assertUsable(name, outputSchema)
  return tools
}

const assertUsable = (name: string, schema: JsonObject): void => {
  try {
    inTime(() => validatorOf(schema))
  } catch (error) {
    throw new ContractBroken(`the output schema of ${name} cannot be used: ${messageOf(error)}`)
  }
}

const assertThere = (tools: readonly Tool[], expected: readonly string[]): void => {
  const names = tools.map(({ name }) => name)
  const missing = expected.filter((name) => !names.includes(name)).map((name) => missingText(name, names))
  if (missing.length > 0) throw new ContractBroken(`missing: ${missing.join(', ')}`)
}

const missingText = (name: string, names: readonly string[]): string => {
  const near = closest(name, names)
  return near === undefined ? name : `${name} (there is ${near})`
}

const call = async (
  deps: Deps,
  { request }: McpConnection,
  tools: readonly Tool[],
  name: string,
  given: GivenArguments,
): Promise<JsonObject> => {
  assertThere(tools, [name])
  const tool = tools.find((each) => each.name === name) ?? { name }
  const params = { name, arguments: await argumentsOf(deps, tool, given) }
  const result = await request('tools/call', params)
  const { error } = CallToolResultSchema.safeParse(result)
  const [issue] = error?.issues ?? []
  if (issue !== undefined)
    throw new ContractBroken(`its result is not what MCP says: ${issue.path.join('.')}: ${issue.message}`)
  if (result.isError === true) throw new ContractBroken(`the tool answers with an error: ${firstText(result)}`)
  const flaw = outputFlaw(tool, result)
  if (flaw !== undefined) throw new ContractBroken(flaw)
  return result
}

const resultText = ({ content, structuredContent }: JsonObject): string => {
  const blocks = Array.isArray(content) ? content : []
  const kinds = blocks.map((block) => (isObject(block) ? String(block.type) : ''))
  return [...kinds, ...(structuredContent === undefined ? [] : ['structured content'])].join(', ') || 'an empty answer'
}

const firstText = ({ content }: JsonObject): string => {
  const texts = (Array.isArray(content) ? content : []).flatMap((block) =>
    isObject(block) && typeof block.text === 'string' ? [block.text] : [],
  )
  return texts[0]?.trim().split('\n')[0] ?? 'without a text'
}
