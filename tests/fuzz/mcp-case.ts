import type { Dice } from './dice.ts'
import { hostileText, hostileValue, jsonText } from './hostile.ts'
import { mutated, mutatedBytes } from './mutate.ts'
import type { WireRequest } from './wire.ts'

/** Messages that work, by what they are called in a report. Mutations begin with one of them. */
const MESSAGES = {
  initialize: {
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } },
  },
  ping: { method: 'ping' },
  'tools/list': { method: 'tools/list', params: {} },
  'tools/call': {
    method: 'tools/call',
    params: { name: 'everything__echo', arguments: { message: 'x' }, _meta: { progressToken: 1 } },
  },
  'resources/list': { method: 'resources/list' },
  'resources/templates/list': { method: 'resources/templates/list' },
  'resources/read': { method: 'resources/read', params: { uri: 'demo://resource/dynamic/text/1' } },
  'resources/subscribe': { method: 'resources/subscribe', params: { uri: 'demo://resource/dynamic/text/1' } },
  'prompts/list': { method: 'prompts/list' },
  'prompts/get': { method: 'prompts/get', params: { name: 'everything__simple-prompt', arguments: {} } },
  'completion/complete': {
    method: 'completion/complete',
    params: {
      ref: { type: 'ref/prompt', name: 'everything__completable-prompt' },
      argument: { name: 'department', value: 'E' },
    },
  },
  'logging/setLevel': { method: 'logging/setLevel', params: { level: 'info' } },
  'unknown/method': { method: 'unknown/method', params: { x: 1 } },
  'notifications/initialized': { method: 'notifications/initialized' },
  'notifications/cancelled': { method: 'notifications/cancelled', params: { requestId: 1, reason: 'x' } },
  'notifications/progress': { method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
  'a response': { result: { ok: true } },
  'an error': { error: { code: -1, message: 'x' } },
} as const

/** What stands for the HTTP methods without a body. */
export const MCP_PARTS = [...Object.keys(MESSAGES), 'GET', 'DELETE'] as const

export interface McpCase extends WireRequest {
  /** The id that the answer must have; undefined where the body is no request that could be answered. */
  readonly id: string | number | undefined
}

/** Where a case goes: its session is one that is open. */
export interface Address {
  readonly host: string
  readonly token: string
  readonly session: string
}

interface Draft {
  method: string
  path: string
  headers: [string, string][]
  body: Buffer | undefined
}

/** One message, or one request, with up to three things wrong with it. */
export const mcpCase = (dice: Dice, part: string, address: Address): McpCase => {
  const draft = working(dice, part, address)
  const wrongs =
    draft.body === undefined
      ? [wrongSession, wrongHeader, wrongPath]
      : [
          wrongMessage,
          wrongMessage,
          wrongMessage,
          wrongMessage,
          wrongBody,
          wrongBody,
          wrongSession,
          wrongHeader,
          wrongPath,
        ]
  for (let count = dice.pick([1, 1, 1, 2, 3]); count > 0; count -= 1) dice.pick(wrongs)(dice, draft)
  return written(draft)
}

const working = (dice: Dice, part: string, { host, token, session }: Address): Draft => {
  const message = MESSAGES[part as keyof typeof MESSAGES] as object | undefined
  const id = dice.pick<string | number>([dice.below(1_000_000), `id-${dice.below(1_000_000)}`])
  const whole =
    message === undefined ? undefined : { jsonrpc: '2.0', ...(part.startsWith('notif') ? {} : { id }), ...message }
  return {
    method: message === undefined ? part : 'POST',
    path: '/projects/demo/mcp',
    headers: [
      ['Host', host],
      ['Authorization', `Bearer ${token}`],
      ['Accept', 'application/json, text/event-stream'],
      ...(whole === undefined ? [] : ([['Content-Type', 'application/json']] as [string, string][])),
      ...(part === 'initialize' ? [] : ([['Mcp-Session-Id', session]] as [string, string][])),
      ...(dice.chance(0.5) ? ([['Mcp-Protocol-Version', '2025-11-25']] as [string, string][]) : []),
    ],
    body: whole === undefined ? undefined : Buffer.from(jsonText(whole)),
  }
}

type Wrong = (dice: Dice, draft: Draft) => void

const wrongMessage: Wrong = (dice, draft) => {
  const message = parsed(draft.body) ?? {}
  const odd = (): unknown => hostileValue(dice)
  const changed = dice.weighted<unknown>([
    [6, () => mutated(dice, message)],
    [1, () => [message]],
    [1, () => [message, message]],
    [1, () => []],
    [1, () => ({ ...message, id: odd() })],
    [1, () => ({ ...message, method: odd() })],
    [1, () => ({ ...message, params: odd() })],
    [1, () => ({ ...message, jsonrpc: odd() })],
    [1, () => ({ ...message, result: odd(), error: odd() })],
    [
      1,
      () => ({
        ...message,
        params: { _meta: { progressToken: odd() }, task: odd(), cursor: odd(), name: odd(), uri: odd() },
      }),
    ],
  ])
  draft.body = Buffer.from(jsonText(changed))
}

const wrongBody: Wrong = (dice, draft) => {
  const text = draft.body?.toString('utf8') ?? ''
  draft.body = dice.weighted<Buffer>([
    [6, () => mutatedBytes(dice, text)],
    [1, () => Buffer.from(text.replace('{', '{"id":7,"method":"ping",'))],
    [1, () => Buffer.from(`${text}\n${text}`)],
    [1, () => Buffer.from(`data: ${text}\n\n`)],
    [0.1, () => Buffer.alloc(4 * 1024 * 1024 + 1, 0x20)],
  ])
}

const wrongSession: Wrong = (dice, draft) => {
  const value = dice.pick([undefined, '', 'x', '../x', 'a'.repeat(5_000), asHeader(hostileText(dice))])
  draft.headers = draft.headers.filter(([name]) => name !== 'Mcp-Session-Id')
  if (value !== undefined) draft.headers.push(['Mcp-Session-Id', value])
}

const wrongHeader: Wrong = (dice, draft) => {
  const [name, value] = dice.pick([
    ['Content-Type', dice.pick(['', 'text/plain', 'application/json-rpc', 'application/jsonx', 'text/event-stream'])],
    ['Accept', dice.pick(['', 'text/html', 'application/json;q=0', '*/*;q=0', asHeader(hostileText(dice))])],
    ['Authorization', dice.pick(['', 'Bearer', 'Basic YTpi', `Bearer ${asHeader(hostileText(dice))}`])],
    ['Mcp-Protocol-Version', dice.pick(['', '1999-01-01', '2025-11-25, 2025-11-25', asHeader(hostileText(dice))])],
    ['Last-Event-ID', asHeader(hostileText(dice))],
    ['Origin', dice.pick(['null', 'https://evil.example', asHeader(hostileText(dice))])],
    ['Host', dice.pick(['evil.example', '', asHeader(hostileText(dice))])],
    ['Upgrade', 'websocket'],
    ['Expect', 'a-miracle'],
    ['Content-Encoding', 'gzip'],
  ] as const)
  draft.headers = draft.headers.filter(([key]) => key !== name)
  if (name === 'Upgrade') draft.headers.push(['Connection', 'Upgrade'])
  draft.headers.push([name, value])
}

const wrongPath: Wrong = (dice, draft) => {
  const encoded = encodeURIComponent(hostileText(dice).toWellFormed())
  draft.path = dice.pick([
    `/projects/${encoded}/mcp`,
    '/projects/../mcp',
    '/projects/..%2fdemo/mcp',
    '/projects/%/mcp',
    '/projects/de%6do/mcp',
    '/projects/demo/mcp/',
    '/projects/demo/mcp?x=%',
    '/projects/demo',
    '//projects/demo/mcp',
    '/projects/DEMO/mcp',
    `/projects/${'a'.repeat(10_000)}/mcp`,
    `/${encoded}`,
  ])
}

const asHeader = (text: string): string =>
  Buffer.from(text.replace(/\p{Cc}/gu, '?'))
    .toString('latin1')
    .slice(0, 4_000)

const parsed = (body: Buffer | undefined): object | undefined => {
  try {
    const value: unknown = JSON.parse((body ?? '').toString())
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined // an earlier mutation of the same case has broken it
  }
}

const written = ({ method, path, headers, body }: Draft): McpCase => {
  const all: [string, string][] = [
    ...headers,
    ...(body === undefined ? [] : ([['Content-Length', String(body.length)]] as [string, string][])),
    ...(headers.some(([name]) => name === 'Connection') ? [] : ([['Connection', 'close']] as [string, string][])),
  ]
  const head = [`${method} ${path} HTTP/1.1`, ...all.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  const bytes = Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body ?? Buffer.alloc(0)])
  // A stream stays open, and so may a request that a server drops: they are left after a while.
  const stays = method === 'GET' || hasUnknownMembers(body)
  return { bytes, id: requestId(body), ...(stays ? { leaveAfterMs: 100 } : {}) }
}

/** Members that JSON-RPC does not know are passed on; servers made with the SDK do not answer such a request. */
const hasUnknownMembers = (body: Buffer | undefined): boolean =>
  Object.keys(parsed(body) ?? {}).some((key) => !['jsonrpc', 'id', 'method', 'params'].includes(key))

const requestId = (body: Buffer | undefined): string | number | undefined => {
  const message = parsed(body) as { id?: unknown; method?: unknown } | undefined
  if (message === undefined || typeof message.method !== 'string') return undefined
  return typeof message.id === 'string' || typeof message.id === 'number' ? message.id : undefined
}
