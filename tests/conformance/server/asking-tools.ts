import { randomUUID } from 'node:crypto'
import {
  type CallToolResult,
  CreateMessageResultWithToolsSchema,
  type ElicitRequestFormParams,
  ElicitResultSchema,
  ListRootsResultSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { text } from './contents.ts'
import { type Tool, type ToolCall, texts, tool } from './tool.ts'

const refused = (what: string): CallToolResult => ({
  isError: true,
  content: [text(`The client does not support ${what}`)],
})

/** Asks the client's user to fill in a form. */
const elicit = async (
  { extra, client }: ToolCall,
  message: string,
  requestedSchema: ElicitRequestFormParams['requestedSchema'],
): Promise<CallToolResult> => {
  if (client.elicitation === undefined) return refused('elicitation')
  const { action, content } = await extra.sendRequest(
    { method: 'elicitation/create', params: { message, requestedSchema } },
    ElicitResultSchema,
  )
  const filled = content === undefined ? '' : `, content=${JSON.stringify(content)}`
  return { content: [text(`Elicitation completed: action=${action}${filled}`)] }
}

const choices = (...values: readonly string[]) =>
  values.map((value, at) => ({ const: value, title: `Choice ${at + 1}` }))
const OPTIONS = ['option1', 'option2', 'option3']

/** Tools that ask the client for something. */
export const askingTools: readonly Tool[] = [
  tool(
    'test_sampling',
    "Asks the client's model",
    async ({ extra, client, arguments: { prompt } }) => {
      if (client.sampling === undefined) return refused('sampling')
      const messages = [{ role: 'user' as const, content: { type: 'text' as const, text: String(prompt) } }]
      const { content } = await extra.sendRequest(
        { method: 'sampling/createMessage', params: { messages, maxTokens: 100 } },
        CreateMessageResultWithToolsSchema,
      )
      const said = Array.isArray(content) ? content : [content]
      return { content: [text(`LLM response: ${said.map((part) => (part.type === 'text' ? part.text : part.type))}`)] }
    },
    texts('prompt'),
  ),
  tool(
    'test_elicitation',
    'Asks the user for a name and an address',
    (call) =>
      elicit(call, String(call.arguments.message), {
        type: 'object',
        properties: {
          username: { type: 'string', description: 'Name of the user' },
          email: { type: 'string', description: 'Address of the user' },
        },
        required: ['username', 'email'],
      }),
    texts('message'),
  ),
  tool('test_elicitation_sep1034_defaults', 'Asks with a default value for each primitive type', (call) =>
    elicit(call, 'Please look at the defaults', {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'John Doe' },
        age: { type: 'integer', default: 30 },
        score: { type: 'number', default: 95.5 },
        status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
        verified: { type: 'boolean', default: true },
      },
      required: [],
    }),
  ),
  tool('test_elicitation_sep1330_enums', 'Asks with each form that a choice may have', (call) =>
    elicit(call, 'Please choose', {
      type: 'object',
      properties: {
        untitledSingle: { type: 'string', enum: OPTIONS },
        titledSingle: { type: 'string', oneOf: choices('value1', 'value2', 'value3') },
        legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
        untitledMulti: { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string', enum: OPTIONS } },
        titledMulti: { type: 'array', items: { anyOf: choices('value1', 'value2', 'value3') } },
      },
      required: [],
    }),
  ),
  tool('test_url_elicitation', 'Sends the user to a page, and tells when that is done', async ({ extra, client }) => {
    if (client.elicitation?.url === undefined) return refused('elicitation by URL')
    const elicitationId = randomUUID()
    const { action } = await extra.sendRequest(
      {
        method: 'elicitation/create',
        params: { mode: 'url', message: 'Please log in', url: 'https://example.com/login', elicitationId },
      },
      ElicitResultSchema,
    )
    await extra.sendNotification({ method: 'notifications/elicitation/complete', params: { elicitationId } })
    return { content: [text(`action=${action}`)] }
  }),
  tool('test_sampling_with_tools', "Offers a tool to the client's model", async ({ extra, client }) => {
    if (client.sampling?.tools === undefined) return refused('sampling with tools')
    const result = await extra.sendRequest(
      {
        method: 'sampling/createMessage',
        params: {
          messages: [{ role: 'user', content: { type: 'text', text: 'What is the weather?' } }],
          tools: [{ name: 'weather', inputSchema: { type: 'object' } }],
          toolChoice: { mode: 'required' },
          maxTokens: 100,
        },
      },
      CreateMessageResultWithToolsSchema,
    )
    return { content: [text(JSON.stringify(result.content))] }
  }),
  tool('test_roots', "Lists the client's roots", async ({ extra, client }) => {
    if (client.roots === undefined) return refused('roots')
    const { roots } = await extra.sendRequest({ method: 'roots/list' }, ListRootsResultSchema)
    return { content: roots.map(({ uri }) => text(uri)) }
  }),
]
