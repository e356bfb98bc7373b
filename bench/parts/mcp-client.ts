import { Agent, type IncomingMessage, type RequestOptions, request } from 'node:http'

/** Where an MCP server answers over Streamable HTTP. */
export interface Endpoint {
  readonly url: string
  readonly bearer?: string
  /** What the tool is called there. */
  readonly tool: string
}

/** One session with an MCP server, as raw JSON-RPC POSTs on kept-alive connections. */
export interface RawSession {
  /** How long `initialize` and `notifications/initialized` took together. */
  readonly initMs: number
  /** Calls the echo tool. False for anything but the right answer. */
  echo(): Promise<boolean>
  /** Sends a request. @param onText gets the pieces of the answer's body as they come @returns the body */
  request(method: string, params: object, onText?: (piece: string) => void): Promise<string>
  end(): Promise<void>
}

interface Answer {
  readonly status: number
  readonly session: string | undefined
  readonly body: string
}

const MESSAGE = 'hello from the bench'
const PROTOCOL = '2025-06-18'

/** @throws Error when the session cannot be initialized */
export const openSession = async (endpoint: Endpoint): Promise<RawSession> => {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    Accept: 'application/json, text/event-stream',
    ...(endpoint.bearer === undefined ? {} : { Authorization: `Bearer ${endpoint.bearer}` }),
  }
  const { hostname, port, pathname } = new URL(endpoint.url)
  const target = { agent, hostname, port, path: pathname }
  const post = (message: object, onText?: (piece: string) => void): Promise<Answer> =>
    send({ ...target, method: 'POST', headers }, JSON.stringify(message), onText)
  let lastId = 0

  const began = performance.now()
  const params = { protocolVersion: PROTOCOL, capabilities: {}, clientInfo: { name: 'bench', version: '1' } }
  const { status, session, body } = await post({ jsonrpc: '2.0', id: 0, method: 'initialize', params })
  if (status !== 200) throw new Error(`initialize was answered with ${status}: ${body.slice(0, 500)}`)
  if (session !== undefined) headers['Mcp-Session-Id'] = session
  headers['Mcp-Protocol-Version'] = PROTOCOL
  await post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  const initMs = performance.now() - began

  return {
    initMs,
    async echo() {
      const id = ++lastId
      const call = { name: endpoint.tool, arguments: { message: MESSAGE } }
      const answer = await post({ jsonrpc: '2.0', id, method: 'tools/call', params: call })
      const message = answer.status === 200 ? messageOf(answer.body) : undefined
      return message?.id === id && message.result?.content?.[0]?.text === `Echo: ${MESSAGE}`
    },
    async request(method, params, onText) {
      const { status, body } = await post({ jsonrpc: '2.0', id: ++lastId, method, params }, onText)
      if (status !== 200) throw new Error(`${method} was answered with ${status}: ${body.slice(0, 500)}`)
      return body
    },
    async end() {
      if (session !== undefined) await send({ ...target, method: 'DELETE', headers })
      agent.destroy()
    },
  }
}

interface EchoAnswer {
  readonly id?: number
  readonly result?: { readonly content?: readonly { readonly text?: string }[] }
}

/** The last message of an answer: all of it, or the last event of a stream. */
const messageOf = (body: string): EchoAnswer => {
  if (body.startsWith('{')) return JSON.parse(body)
  const last = body.lastIndexOf('data: ')
  return last < 0 ? {} : JSON.parse(body.slice(last + 6))
}

const send = (
  options: RequestOptions & { headers: Readonly<Record<string, string>> },
  body = '',
  onText: (piece: string) => void = () => {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const headers = { ...options.headers, 'Content-Length': String(Buffer.byteLength(body)) }
    const sent = request({ ...options, headers }, (response) => {
      read(response, onText, (text) => {
        const session = response.headers['mcp-session-id']
        resolve({ status: response.statusCode ?? 0, session: session?.toString(), body: text })
      })
      response.on('error', reject)
    })
    sent.on('error', reject).end(body)
  })

const read = (response: IncomingMessage, onText: (piece: string) => void, take: (text: string) => void): void => {
  let text = ''
  response.setEncoding('utf8').on('data', (chunk: string) => {
    onText(chunk)
    text += chunk
  })
  response.on('end', () => take(text))
}
