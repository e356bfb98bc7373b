import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { BEARER } from '../../proxy/testing/fake-mcpd.ts'
import type { Local } from '../../proxy/testing/local.ts'
import { type BehindProxyOptions, behindProxy } from './behind-proxy.ts'
import { type Answered, type Heard, type RawClient, rawClient } from './raw-client.ts'
import { createConformanceServer } from './server/server.ts'

// A project with one server and `namespacing: never`: what a client is told, word for word, is what the server says by itself.

const CLIENT: JsonObject = {
  protocolVersion: '2025-11-25',
  capabilities: { sampling: { tools: {} }, elicitation: { form: {}, url: {} }, roots: { listChanged: true } },
  clientInfo: { name: 'raw', version: '1' },
}
const ANSWERS: Readonly<Record<string, JsonObject>> = {
  'roots/list': { roots: [{ uri: 'file:///work', _meta: { kept: true } }] },
  'elicitation/create': { action: 'accept', content: { username: 'ada', email: 'ada@example.com' } },
  'sampling/createMessage': {
    role: 'assistant',
    model: 'test',
    stopReason: 'toolUse',
    content: [{ type: 'tool_use', id: 't1', name: 'weather', input: { city: 'Bern' } }],
  },
}

const direct = async (): Promise<RawClient> => {
  const [ours, theirs] = InMemoryTransport.createLinkedPair()
  await createConformanceServer().connect(theirs)
  return ended(await rawClient(ours, ANSWERS))
}

const proxied = async (options: Omit<BehindProxyOptions, 'create'>): Promise<RawClient> =>
  connected(await behindProxy({ create: createConformanceServer, ...options }))

const connected = async (local: Local): Promise<RawClient> => {
  const transport = new StreamableHTTPClientTransport(local.endpoint('demo'), {
    requestInit: { headers: { Authorization: `Bearer ${BEARER}` } },
  })
  // The SDK's transport does not fit its own interface under exactOptionalPropertyTypes.
  return ended(await rawClient(transport as Transport, ANSWERS))
}

const ended = (client: RawClient): RawClient => {
  onTestFinished(() => client.close())
  return client
}

/** What a client asks, and what its user hears. */
const REQUESTS: readonly (readonly [method: string, params?: JsonObject])[] = [
  ['ping'],
  ['tools/list'],
  ['resources/list'],
  ['resources/templates/list'],
  ['prompts/list'],
  ...[
    'simple_text',
    'image_content',
    'audio_content',
    'embedded_resource',
    'multiple_content_types',
    'error_handling',
  ].map((name) => ['tools/call', { name: `test_${name}`, arguments: {} }] as const),
  ['tools/call', { name: 'test_structured_content', arguments: { city: 'Bern' }, _meta: { 'example.com/a': [1] } }],
  ['tools/call', { name: 'test_tool_with_progress', _meta: { progressToken: 'own' } }],
  ['tools/call', { name: 'test_tool_with_logging' }],
  ['tools/call', { name: 'no_such_tool' }],
  ['resources/read', { uri: 'test://static-text' }],
  ['resources/read', { uri: 'test://static-binary' }],
  ['resources/read', { uri: 'test://template/a%20b/data' }],
  ['resources/read', { uri: 'test://no/such' }],
  ['resources/subscribe', { uri: 'test://watched-resource' }],
  ['resources/unsubscribe', { uri: 'test://watched-resource' }],
  ['prompts/get', { name: 'test_simple_prompt' }],
  ['prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: 'ä', arg2: '"' } }],
  ['prompts/get', { name: 'test_prompt_with_image' }],
  ['prompts/get', { name: 'no_such_prompt' }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' }, argument: { name: 'arg1', value: 'te' } },
  ],
  [
    'completion/complete',
    { ref: { type: 'ref/resource', uri: 'test://template/{id}/data' }, argument: { name: 'id', value: 'o' } },
  ],
  ['logging/setLevel', { level: 'warning' }],
  ['tools/call', { name: 'test_tool_with_logging' }],
  ['example.com/unheard-of', { deep: [{ a: null }] }],
]

const ASKING: typeof REQUESTS = [
  ['tools/call', { name: 'test_sampling', arguments: { prompt: 'Hello' } }],
  ['tools/call', { name: 'test_sampling_with_tools' }],
  ['tools/call', { name: 'test_elicitation', arguments: { message: 'Who are you?' } }],
  ['tools/call', { name: 'test_elicitation_sep1034_defaults' }],
  ['tools/call', { name: 'test_elicitation_sep1330_enums' }],
  ['tools/call', { name: 'test_url_elicitation' }],
  ['tools/call', { name: 'test_roots' }],
]

interface Told {
  readonly initialize: Answered
  readonly answers: readonly Answered[]
  readonly heard: readonly Heard[]
}

const talk = async (client: RawClient, requests: typeof REQUESTS): Promise<Told> => {
  const initialize = await client.request('initialize', CLIENT)
  await client.notify('notifications/initialized')
  const answers: Answered[] = []
  for (const [method, params] of requests) answers.push(await client.request(method, params))
  return { initialize, answers, heard: client.heard.map(withoutRandom) }
}

/** Ids that the server makes up. */
const withoutRandom = ({ method, params }: Heard): Heard =>
  params !== undefined && 'elicitationId' in params
    ? { method, params: { ...params, elicitationId: expect.any(String) } }
    : { method, params }

describe.each(['dedicated', 'shared'] as const)('behind mcplocal with %s sessions', (sessions) => {
  it('answers and notifications are those of the server', async () => {
    const [there, here] = [await talk(await direct(), REQUESTS), await talk(await proxied({ sessions }), REQUESTS)]
    expect(here.initialize).toEqual(there.initialize)
    for (const [at, answer] of there.answers.entries())
      expect(here.answers[at], JSON.stringify(REQUESTS[at])).toEqual(answer)
    expect(here.heard).toEqual(there.heard)
  })
})

it('what a server with dedicated sessions asks reaches the client, and its answers the server', async () => {
  const there = await talk(await direct(), ASKING)
  const here = await talk(await proxied({ sessions: 'dedicated' }), ASKING)
  expect(here.answers).toEqual(there.answers)
  expect(here.heard).toEqual(there.heard)
  expect(there.heard.map(({ method }) => method)).toEqual([
    'sampling/createMessage',
    'sampling/createMessage',
    'elicitation/create',
    'elicitation/create',
    'elicitation/create',
    'elicitation/create',
    'notifications/elicitation/complete',
    'roots/list',
  ])
})

/** Makes a task and asks for everything that there is to ask of one. */
const taskTalk = async (client: RawClient): Promise<unknown> => {
  await talk(client, [])
  const call = { name: 'test_task', arguments: { word: 'later' } }
  const made = await client.request('tools/call', { ...call, task: { ttl: 60_000 } })
  const { taskId } = (made.result as { task: { taskId: string } }).task
  const answers: Answered[] = [made, await client.request('tools/call', call)]
  for (const [method, params] of [
    ['tasks/get', { taskId }],
    ['tasks/result', { taskId }],
    ['tasks/list', {}],
    ['tasks/cancel', { taskId }],
    ['tasks/get', { taskId: 'no-such-task' }],
  ] as const)
    answers.push(await client.request(method, params))
  const text = JSON.stringify({ answers, heard: client.heard }).replaceAll(taskId, 'the task')
  return JSON.parse(text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'some time'))
}

it('a task is made, looked at, and gives its result', async () => {
  const there = await taskTalk(await direct())
  expect(await taskTalk(await proxied({ sessions: 'dedicated' }))).toEqual(there)
  expect(there).toMatchObject({
    answers: [
      { result: { task: { taskId: 'the task' } } },
      { result: { content: [{ text: 'later' }] } },
      { result: { taskId: 'the task', status: 'completed' } },
      { result: { content: [{ text: 'later' }] } },
      { result: { tasks: [{ taskId: 'the task' }] } },
      { error: {} },
      { error: {} },
    ],
  })
})

it('the tasks of a shared server are seen by the client that made them', async () => {
  const local = await behindProxy({ create: createConformanceServer, sessions: 'shared' })
  const [one, other] = [await connected(local), await connected(local)]
  await talk(one, [])
  await talk(other, [])
  const call = { name: 'test_task', arguments: { word: 'mine' }, task: { ttl: 60_000 } }
  const { task } = (await one.request('tools/call', call)).result as { task: { taskId: string } }
  const { taskId } = task
  expect(await one.request('tasks/list', {})).toMatchObject({ result: { tasks: [{ taskId }] } })
  expect(await other.request('tasks/list', {})).toMatchObject({ result: { tasks: [] } })
  expect(await other.request('tasks/result', { taskId })).toMatchObject({ error: { code: -32602 } })
  expect(await one.request('tasks/result', { taskId })).toMatchObject({ result: { content: [{ text: 'mine' }] } })
})
