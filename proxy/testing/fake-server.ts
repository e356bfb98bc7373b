import type { JsonObject } from '../../domain/kernel/json.ts'
import type { LinkedServer, RpcMessage, ServerSessions, ToolRules } from '../../domain/mcp/link.ts'

/** What a scripted server may do while it works on a request. */
interface Work {
  readonly id: string | number
  readonly params: JsonObject
  readonly signal: AbortSignal
  notify(method: string, params?: JsonObject): void
  /** Asks the client something; resolves with its response. */
  ask(method: string, params: JsonObject): Promise<RpcMessage>
}

/** Answers a request: with a result, or by throwing `RpcProblem`. */
export type Script = (work: Work) => JsonObject | Promise<JsonObject>

export class RpcProblem extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

type Send = (message: RpcMessage) => void

/** A scripted MCP server behind a fake mcpd: says what it got, answers as it is told. */
export class FakeServer {
  readonly name: string
  readonly got: RpcMessage[] = []
  state: LinkedServer['state'] = 'ready'
  reason: string | undefined
  rules: ToolRules | undefined
  sessions: ServerSessions | undefined
  initialize: JsonObject
  readonly #scripts = new Map<string, Script>()
  readonly #sends = new Set<Send>()
  readonly #work = new Map<Send, Map<string | number, AbortController>>()
  readonly #asked = new Map<string | number, (answer: RpcMessage) => void>()
  #lastId = 0

  constructor(name: string, capabilities: JsonObject = { tools: {} }, rest: JsonObject = {}) {
    this.name = name
    this.initialize = { protocolVersion: '2025-06-18', capabilities, serverInfo: { name, version: '1' }, ...rest }
  }

  on(method: string, script: Script): this {
    this.#scripts.set(method, script)
    return this
  }

  /** Tools that answer with their own name and arguments. */
  tools(...names: readonly string[]): this {
    return this.on('tools/list', () => ({
      tools: names.map((name) => ({ name, description: `${name} of ${this.name}`, inputSchema: { type: 'object' } })),
    })).on('tools/call', ({ params }) => ({
      content: [{ type: 'text', text: JSON.stringify({ server: this.name, ...params }) }],
    }))
  }

  get linked(): LinkedServer {
    const { name, state, reason, rules, sessions, initialize } = this
    return {
      name,
      state,
      ...(state === 'ready' ? { initialize } : {}),
      ...(reason === undefined ? {} : { reason }),
      ...(rules === undefined ? {} : { tools: rules }),
      ...(sessions === undefined ? {} : { sessions }),
    }
  }

  /** Sends a notification to all sessions. */
  notify(method: string, params?: JsonObject): void {
    for (const send of this.#sends)
      send(params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params })
  }

  /** Sends any message to all sessions. */
  send(message: RpcMessage): void {
    for (const send of this.#sends) send(message)
  }

  methods(): (string | undefined)[] {
    return this.got.map(({ method }) => method)
  }

  connect(send: Send): void {
    this.#sends.add(send)
    this.#work.set(send, new Map())
  }

  disconnect(send: Send): void {
    this.#sends.delete(send)
    for (const work of this.#work.get(send)?.values() ?? []) work.abort()
    this.#work.delete(send)
  }

  take(message: RpcMessage, send: Send): void {
    this.got.push(message)
    const { id, method, params } = message
    if (method === undefined) {
      if (id !== undefined) this.#asked.get(id)?.(message)
    } else if (id !== undefined) void this.#run(id, method, params ?? {}, send)
    else if (method === 'notifications/cancelled') {
      const requestId = params?.requestId
      if (typeof requestId === 'string' || typeof requestId === 'number') this.#work.get(send)?.get(requestId)?.abort()
    }
  }

  async #run(id: string | number, method: string, params: JsonObject, send: Send): Promise<void> {
    const stop = new AbortController()
    this.#work.get(send)?.set(id, stop)
    const work: Work = {
      id,
      params,
      signal: stop.signal,
      notify: (name, data) =>
        send(data === undefined ? { jsonrpc: '2.0', method: name } : { jsonrpc: '2.0', method: name, params: data }),
      ask: (name, data) => {
        const asked = `${this.name}-${++this.#lastId}`
        send({ jsonrpc: '2.0', id: asked, method: name, params: data })
        return new Promise((resolve) => this.#asked.set(asked, resolve))
      },
    }
    try {
      const script = this.#scripts.get(method)
      if (script === undefined) throw new RpcProblem(-32601, `${this.name} has no ${method}`)
      const result = await script(work)
      if (!stop.signal.aborted) send({ jsonrpc: '2.0', id, result })
    } catch (error) {
      const code = error instanceof RpcProblem ? error.code : -32603
      if (!stop.signal.aborted) send({ jsonrpc: '2.0', id, error: { code, message: String((error as Error).message) } })
    } finally {
      this.#work.get(send)?.delete(id)
    }
  }
}
