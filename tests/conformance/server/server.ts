import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  CompleteRequestSchema,
  ErrorCode,
  GetPromptRequestSchema,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  type LoggingLevel,
  LoggingLevelSchema,
  McpError,
  ReadResourceRequestSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { answeringTools } from './answering-tools.ts'
import { askingTools } from './asking-tools.ts'
import { prompts } from './prompts.ts'
import { readResource, resources, templates } from './resources.ts'

const tools = [...answeringTools, ...askingTools]

const invalid = (message: string, data?: object): McpError => new McpError(ErrorCode.InvalidParams, message, data)

/** The server that the conformance suite expects, one for each session. */
export const createConformanceServer = (): Server => {
  const server = new Server(
    {
      name: 'conformance',
      title: 'Conformance',
      version: '1.0.0',
      websiteUrl: 'https://example.com',
      icons: [{ src: 'https://example.com/icon.png', mimeType: 'image/png', sizes: ['48x48'] }],
    },
    {
      instructions: 'For tests only.',
      taskStore: new InMemoryTaskStore(),
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true, listChanged: true },
        prompts: { listChanged: true },
        logging: {},
        completions: {},
        tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
        experimental: { 'example.com/experiment': { since: 1 } },
      },
    },
  )
  serveTools(server)
  servePrompts(server)
  serveResources(server)
  return server
}

const serveTools = (server: Server): void => {
  let level: LoggingLevel = 'debug'
  const severity = (of: LoggingLevel): number => LoggingLevelSchema.options.indexOf(of)
  server.setRequestHandler(SetLevelRequestSchema, async ({ params }) => {
    level = params.level
    return {}
  })
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: tools.map(({ definition }) => definition) }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const found = tools.find(({ definition }) => definition.name === params.name)
    if (found === undefined) throw invalid(`Unknown tool: ${params.name}`)
    return found.run({
      arguments: params.arguments ?? {},
      extra,
      task: params.task,
      client: server.getClientCapabilities() ?? {},
      async log(of, data) {
        if (severity(of) < severity(level)) return
        await extra.sendNotification({ method: 'notifications/message', params: { level: of, logger: 'test', data } })
      },
    })
  })
}

const servePrompts = (server: Server): void => {
  server.setRequestHandler(ListPromptsRequestSchema, async () => ({
    prompts: prompts.map(({ definition }) => definition),
  }))
  server.setRequestHandler(GetPromptRequestSchema, async ({ params }) => {
    const found = prompts.find(({ definition }) => definition.name === params.name)
    if (found === undefined) throw invalid(`Unknown prompt: ${params.name}`)
    return { messages: found.messages(params.arguments ?? {}) }
  })
  server.setRequestHandler(CompleteRequestSchema, async ({ params: { argument } }) => {
    const values = ['test-one', 'test-two', 'other'].filter((value) => value.startsWith(argument.value))
    return { completion: { values, total: values.length, hasMore: false } }
  })
}

const serveResources = (server: Server): void => {
  const subscribed = new Set<string>()
  server.setRequestHandler(ListResourcesRequestSchema, async () => ({ resources: [...resources] }))
  server.setRequestHandler(ListResourceTemplatesRequestSchema, async () => ({ resourceTemplates: [...templates] }))
  server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }) => {
    const contents = readResource(uri)
    if (contents === undefined) throw invalid(`Resource ${uri} not found`, { uri })
    return { contents }
  })
  server.setRequestHandler(SubscribeRequestSchema, async ({ params: { uri } }, extra) => {
    subscribed.add(uri)
    // News at once, so that a client can see that it is subscribed.
    await extra.sendNotification({ method: 'notifications/resources/updated', params: { uri } })
    return {}
  })
  server.setRequestHandler(UnsubscribeRequestSchema, async ({ params: { uri } }) => {
    if (!subscribed.delete(uri)) throw invalid(`${uri} is not subscribed to`)
    return {}
  })
}
