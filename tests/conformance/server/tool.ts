import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type {
  CallToolResult,
  ClientCapabilities,
  CreateTaskResult,
  LoggingLevel,
  ServerNotification,
  ServerRequest,
  Tool as ToolDefinition,
} from '@modelcontextprotocol/sdk/types.js'

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>

/** One call of a tool, and what it may do meanwhile. */
export interface ToolCall {
  readonly arguments: Readonly<Record<string, unknown>>
  readonly extra: Extra
  /** Set when the client wants a task, and asks for the result later. */
  readonly task: { readonly ttl?: number | undefined } | undefined
  /** What the client said it can. */
  readonly client: ClientCapabilities
  /** Sends a log message, unless the client has asked for more severe ones only. */
  log(level: LoggingLevel, data: string): Promise<void>
}

/** A tool and what it does. */
export interface Tool {
  readonly definition: ToolDefinition
  run(call: ToolCall): Promise<CallToolResult | CreateTaskResult>
}

/** A tool without arguments, or with the ones that `inputSchema` says. */
export const tool = (
  name: string,
  description: string,
  run: Tool['run'],
  inputSchema: ToolDefinition['inputSchema'] = { type: 'object', properties: {} },
): Tool => ({ definition: { name, description, inputSchema }, run })

/** The schema of required texts. */
export const texts = (...names: readonly string[]): ToolDefinition['inputSchema'] => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
  required: [...names],
})
