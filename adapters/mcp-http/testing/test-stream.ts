import type { HttpStreamOptions, OpenHttpStream } from '../../../domain/instance/http-stream.ts'
import type { MessageStream } from '../../../domain/instance/runtime.ts'
import { isObject, type JsonObject } from '../../../domain/kernel/json.ts'
import type { RpcMessage } from '../../../domain/mcp/link.ts'

/** A stream that keeps all that comes, and waits for answers by id. */
export interface TestStream extends MessageStream {
  /** What was delivered, as it came. */
  readonly lines: readonly string[]
  readonly logged: readonly string[]
  /** Sends a request and resolves with the message that answers it. */
  ask(id: string | number, method: string, params?: JsonObject): Promise<RpcMessage>
  tell(method: string, params?: JsonObject): void
  /** Initialises the session as a client does. @returns the answer to `initialize` */
  initialize(params?: JsonObject): Promise<RpcMessage>
  notifications(method: string): readonly RpcMessage[]
}

export const INITIALIZE: JsonObject = {
  protocolVersion: '2025-11-25',
  capabilities: {},
  clientInfo: { name: 'test', version: '0.0.0' },
}

export const openTestStream = (
  open: OpenHttpStream,
  options: Pick<HttpStreamOptions, 'url'> & Partial<HttpStreamOptions>,
): TestStream => {
  const lines: string[] = []
  const messages: RpcMessage[] = []
  const logged: string[] = []
  const waiting = new Map<unknown, (message: RpcMessage) => void>()
  const stream = open({
    transport: 'STREAMABLE_HTTP',
    headers: {},
    allowLinkLocal: false,
    log: (_source, line) => logged.push(line),
    ...options,
  })
  stream.onLine((line) => {
    lines.push(line)
    const parsed: unknown = JSON.parse(line)
    for (const each of Array.isArray(parsed) ? parsed : [parsed]) {
      if (!isObject(each)) throw new Error(`no message: ${line}`)
      const message = each as unknown as RpcMessage
      messages.push(message)
      if (message.method === undefined) waiting.get(message.id)?.(message)
    }
  })
  const write = (message: JsonObject) => {
    if (!stream.send(JSON.stringify({ jsonrpc: '2.0', ...message }))) throw new Error('not taken')
  }
  const test: TestStream = {
    ...stream,
    lines,
    logged,
    ask(id, method, params = {}) {
      const answer = new Promise<RpcMessage>((resolve) => waiting.set(id, resolve))
      write({ id, method, params })
      return answer
    },
    tell: (method, params) => write(params === undefined ? { method } : { method, params }),
    async initialize(params = INITIALIZE) {
      const answer = await test.ask('initialize', 'initialize', params)
      test.tell('notifications/initialized')
      return answer
    },
    notifications: (method) => messages.filter((message) => message.method === method),
  }
  return test
}
