import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Agent, type ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { MCPCTL } from '../testing/system.ts'

/** Where clients go: a project each of whose tools tells the pid of its server. */
export interface Place {
  /** mcplocal, without a path. */
  readonly url: string
  readonly token: string
  readonly project: string
  readonly tools: readonly string[]
  /** The environment that mcpctl runs in. */
  readonly env: Readonly<Record<string, string>>
}

/** Clients that come by one transport, call each tool, and go. */
export interface Visitors {
  /** One client. Rejects when a call does not give what it should. */
  visit(): Promise<void>
  /** Closes the connections that they share. More may come. */
  close(): void
}

const CALL_ID = 10
const messages = (tools: readonly string[]): object[] => [
  {
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'visitor', version: '1' } },
  },
  { jsonrpc: '2.0', method: 'notifications/initialized' },
  ...tools.map((name, n) => ({ jsonrpc: '2.0', id: CALL_ID + n, method: 'tools/call', params: { name } })),
]

/** @throws Error when an answer is none of a tool that tells its pid */
const checkAnswer = (answer: string): void => {
  if (!/"text":"\d+"/.test(answer)) throw new Error(`not the answer of a tool: ${answer.slice(0, 500)}`)
}

/** @param deletes whether they end their session, or are just gone */
export const httpVisitors = (place: Place, deletes: boolean): Visitors => {
  const agent = new Agent({ keepAlive: true })
  const url = `${place.url}/projects/${place.project}/mcp`
  const visit = async (): Promise<void> => {
    const headers: OutgoingHttpHeaders = { ...headersOf(place), Accept: 'application/json, text/event-stream' }
    const listening: ClientRequest[] = []
    for (const message of messages(place.tools)) {
      const answer = await answered(send(url, agent, 'POST', headers, message))
      headers['Mcp-Session-Id'] ??= answer.headers['mcp-session-id']
      const body = await text(answer)
      if (answer.statusCode !== 200 && answer.statusCode !== 202) throw new Error(`${answer.statusCode}: ${body}`)
      if ('id' in message && Number(message.id) >= CALL_ID) checkAnswer(body)
      if (answer.statusCode === 202) {
        const get = send(url, undefined, 'GET', { ...headers, Accept: 'text/event-stream' })
        listening.push(get)
        await answered(get)
      }
    }
    if (deletes) await text(await answered(send(url, agent, 'DELETE', headers)))
    for (const get of listening) get.destroy()
  }
  return { visit, close: () => agent.destroy() }
}

export const sseVisitors = (place: Place): Visitors => {
  const agent = new Agent({ keepAlive: true })
  const visit = async (): Promise<void> => {
    const headers = headersOf(place)
    const get = send(`${place.url}/projects/${place.project}/sse`, undefined, 'GET', headers)
    const lines = createInterface(await answered(get))[Symbol.asyncIterator]()
    const data = async (): Promise<string> => {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error('the stream has ended')
        if (value.startsWith('data: ')) return value.slice(6)
      }
    }
    const address = `${place.url}${await data()}`
    for (const message of messages(place.tools)) {
      await text(await answered(send(address, agent, 'POST', headers, message)))
      if (!('id' in message)) continue
      const answer = await data()
      if (Number(message.id) >= CALL_ID) checkAnswer(answer)
    }
    get.destroy()
  }
  return { visit, close: () => agent.destroy() }
}

/** `mcpctl mcp` as a process of its own. */
export const stdioVisitors = (place: Place): Visitors => {
  const visit = async (): Promise<void> => {
    const child = spawn(process.execPath, [MCPCTL, 'mcp', '-p', place.project], {
      env: place.env,
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    for (const message of messages(place.tools)) {
      child.stdin.write(`${JSON.stringify(message)}\n`)
      if (!('id' in message)) continue
      const { value = '' } = await lines.next()
      if (Number(message.id) >= CALL_ID) checkAnswer(value)
    }
    child.stdin.end()
    const [code] = await exited
    if (code !== 0) throw new Error(`mcpctl mcp has ended with ${code}`)
  }
  return { visit, close: () => undefined }
}

const headersOf = ({ token }: Place): OutgoingHttpHeaders => ({
  Authorization: `Bearer ${token}`,
  'Content-Type': 'application/json',
})

const send = (
  url: string,
  agent: Agent | undefined,
  method: string,
  headers: OutgoingHttpHeaders,
  body?: object,
): ClientRequest => {
  const outgoing = request(url, { method, headers, ...(agent === undefined ? {} : { agent }) })
  outgoing.end(body === undefined ? undefined : JSON.stringify(body))
  return outgoing
}

const answered = async (outgoing: ClientRequest): Promise<IncomingMessage> => {
  const [answer] = await once(outgoing, 'response')
  answer.on('error', () => {}) // a stream that we break off
  return answer
}
