import { setTimeout as sleep } from 'node:timers/promises'
import { audio, image, resource, text } from './contents.ts'
import { type Tool, texts, tool } from './tool.ts'

/** What the suite wants between two notifications of one call. */
const STEP_MS = 50
/**
 * How long a call goes on after its stream was closed. Less than the 5 s for which the suite reads on; more than the 3 to 4 s after which
 * mcplocal, told to end streams after 3 s, has ended its own, and less than the 6 s after which it ends the next one.
 */
const AFTER_CLOSE_MS = 4_500

/** Every keyword here must reach the client as it is. */
const KEYWORDS_2020_12 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object' as const,
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } },
    },
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false,
}

/** Tools that need nothing of the client. */
export const answeringTools: readonly Tool[] = [
  tool('test_simple_text', 'Answers with a text', async () => ({
    content: [text('This is a simple text response for testing.')],
  })),
  tool('test_image_content', 'Answers with an image', async () => ({ content: [image] })),
  tool('test_audio_content', 'Answers with a sound', async () => ({ content: [audio] })),
  tool('test_embedded_resource', 'Answers with a resource', async () => ({
    content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  })),
  tool('test_multiple_content_types', 'Answers with a text, an image and a resource', async () => ({
    content: [
      text('Multiple content types test:'),
      image,
      resource('test://mixed-content-resource', 'application/json', JSON.stringify({ test: 'data', value: 123 })),
    ],
  })),
  tool('test_error_handling', 'Fails', async () => ({
    isError: true,
    content: [text('This tool intentionally returns an error for testing')],
  })),
  tool('test_tool_with_logging', 'Logs three messages while it works', async ({ log }) => {
    await log('info', 'Tool execution started')
    await sleep(STEP_MS)
    await log('info', 'Tool processing data')
    await sleep(STEP_MS)
    await log('info', 'Tool execution completed')
    return { content: [text('Logged three messages')] }
  }),
  tool('test_tool_with_progress', 'Tells its progress three times', async ({ extra }) => {
    const progressToken = extra._meta?.progressToken
    for (const progress of [0, 50, 100]) {
      if (progress > 0) await sleep(STEP_MS)
      if (progressToken !== undefined)
        await extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress, total: 100 },
        })
    }
    return { content: [text('Done')] }
  }),
  tool('test_reconnection', 'Closes the stream of its call before it answers', async ({ extra }) => {
    extra.closeSSEStream?.()
    await sleep(AFTER_CLOSE_MS)
    return { content: [text('This came after the stream was closed')] }
  }),
  tool(
    'json_schema_2020_12_tool',
    'Has a schema with keywords of 2020-12',
    async ({ arguments: given }) => ({
      content: [text(JSON.stringify(given))],
    }),
    KEYWORDS_2020_12,
  ),
  {
    definition: {
      name: 'test_task',
      description: 'Answers at once, or makes a task that is done soon',
      inputSchema: texts('word'),
      execution: { taskSupport: 'optional' },
    },
    run: async ({ arguments: { word }, task: wanted, extra: { taskStore } }) => {
      const result = { content: [text(String(word))] }
      if (wanted === undefined || taskStore === undefined) return result
      const task = await taskStore.createTask({ ttl: wanted.ttl ?? null, pollInterval: STEP_MS })
      await taskStore.storeTaskResult(task.taskId, 'completed', result)
      return { task }
    },
  },
  {
    definition: {
      name: 'test_structured_content',
      title: 'Structured content',
      description: 'Answers with structured content',
      inputSchema: texts('city'),
      outputSchema: {
        type: 'object',
        properties: { city: { type: 'string' }, degrees: { type: 'number' } },
        required: ['city', 'degrees'],
      },
      annotations: { readOnlyHint: true, openWorldHint: false },
      icons: [{ src: 'https://example.com/weather.svg', mimeType: 'image/svg+xml', sizes: ['any'] }],
      _meta: { 'example.com/tool': { kept: true } },
    },
    run: async ({ arguments: { city } }) => {
      const structuredContent = { city, degrees: 21.5 }
      return {
        structuredContent,
        content: [{ ...text(JSON.stringify(structuredContent)), annotations: { audience: ['user'], priority: 1 } }],
        _meta: { 'example.com/result': [1, null, 'kept'] },
      }
    },
  },
]
