import { concurrently, DEADLINE_MS, indexesOf, MAX_READ_WHOLE, partsOf, type Report, type Selection } from './cases.ts'
import { createDice, seedOf } from './dice.ts'
import { excerpt, type Finding, showsInsides } from './findings.ts'
import { MCP_PARTS, type McpCase, mcpCase } from './mcp-case.ts'
import type { Target } from './target.ts'
import { type Answer, exchange, TookTooLong } from './wire.ts'

const FAMILY = 'mcp'

const CONCURRENCY = 6

/** Sends what is hardly MCP to mcplocal's endpoint of a project with real servers, and looks at the answers. */
export const fuzzMcp = async (target: Target, selection: Selection): Promise<Report> => {
  const findings: Finding[] = []
  const counts = new Map<string, number>()
  const before = await sessionsOf(target)
  for (const each of partsOf(selection, MCP_PARTS)) {
    const indexes = indexesOf(selection)
    counts.set(each, indexes.length)
    await concurrently(indexes, CONCURRENCY, async (next) => {
      let session = await openSession(target)
      for (let i = next(); i !== undefined; i = next()) {
        const address = { host: target.mcplocal.host, token: target.token, session }
        const request = mcpCase(createDice(seedOf(selection.seed, FAMILY, each, i)), each, address)
        const { what, answer } = await one(target, request)
        if (what !== undefined)
          findings.push({ family: FAMILY, part: each, index: i, what, sent: excerpt(request.bytes) })
        const opened = answer?.headers.get('mcp-session-id')
        if (each === 'initialize' && opened !== undefined) await endSession(target, opened)
        if (answer?.status === 204) session = await openSession(target)
      }
      await endSession(target, session)
    })
  }
  const after = await sessionsOf(target)
  if (after > before)
    findings.push({ family: FAMILY, part: 'sessions', what: `${after - before} sessions are left over` })
  return { counts, findings }
}

const one = async (target: Target, request: McpCase): Promise<{ what?: string; answer?: Answer }> => {
  try {
    const answer = await exchange(target.mcplocal, request, DEADLINE_MS)
    const what = wrongWith(request, answer)
    return { answer, ...(what === undefined ? {} : { what }) }
  } catch (error) {
    if (error instanceof TookTooLong) return { what: error.message }
    throw error
  }
}

/** What is wrong with an answer, or undefined. */
const wrongWith = ({ id, bytes }: McpCase, { status, headers, body, left }: Answer): string | undefined => {
  if (left) return undefined
  // What answers before it has read all that was sent cannot make sure that the answer is read.
  if (status === 0 && bytes.length > MAX_READ_WHOLE) return undefined
  if (status === 0) return 'the connection ended without an answer'
  if (status >= 500) return `answered with ${status}: ${body.slice(0, 300)}`
  if (showsInsides(body) && status >= 400) return `the answer shows insides: ${body.slice(0, 300)}`
  if (status === 202 || status === 204) return body === '' ? undefined : `${status} with a body: ${body.slice(0, 200)}`
  // Node's own words for a broken handshake; there is no JSON-RPC to answer.
  if (status === 417 || status === 431 || (status === 400 && body === '')) return undefined
  const message = messageIn(headers.get('content-type') ?? '', body)
  if (message === undefined) return `${status} is no JSON-RPC: ${body.slice(0, 300)}`
  const { error } = message
  if (error?.data?.code === 'internal') return `a bug answers: ${body.slice(0, 300)}`
  if (status >= 400)
    return typeof error?.code === 'number' && typeof error.message === 'string'
      ? undefined
      : `${status} is no JSON-RPC error: ${body.slice(0, 300)}`
  return id === undefined || message.id === id ? undefined : `the answer is for ${JSON.stringify(message.id)}`
}

interface RpcAnswer {
  readonly id?: unknown
  readonly error?: { readonly code?: unknown; readonly message?: unknown; readonly data?: { readonly code?: unknown } }
}

/** The one message of a plain answer; of a stream the last, which is the response. */
const messageIn = (type: string, body: string): RpcAnswer | undefined => {
  const text = type.startsWith('text/event-stream')
    ? body
        .split('\n')
        .findLast((line) => line.startsWith('data: '))
        ?.slice(6)
    : body
  try {
    const value: unknown = JSON.parse(text ?? '')
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

const endpointOf = ({ mcplocal }: Target): string => new URL('/projects/demo/mcp', mcplocal).href

const openSession = async (target: Target): Promise<string> => {
  const answer = await fetch(endpointOf(target), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${target.token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: '{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"fuzz","version":"1"}}}',
  })
  await answer.text()
  return answer.headers.get('mcp-session-id') ?? ''
}

const endSession = async (target: Target, session: string): Promise<void> => {
  const headers = { authorization: `Bearer ${target.token}`, 'mcp-session-id': session }
  await (await fetch(endpointOf(target), { method: 'DELETE', headers })).text()
}

const sessionsOf = async ({ mcplocal }: Target): Promise<number> => {
  const text = await (await fetch(new URL('/metrics', mcplocal))).text()
  return Number(/^mcplocal_sessions (\d+)/m.exec(text)?.[1])
}
