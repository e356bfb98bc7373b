import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'

// An MCP server for benches, made with the SDK, whose answers are as heavy as is asked for. `load-server.ts stdio`, or
// `load-server.ts http`, which prints its URL. Tools: `echo`; `text`, so many megabytes of it; `progress`, so many
// notifications a few milliseconds apart, each with the time at which it was sent.

const MIB = 1024 * 1024
const PAUSE_MS = 3
const TOOLS = Array.from({ length: 20 }, (_, i) => ({
  name: ['echo', 'text', 'progress'][i] ?? `tool-${i}`,
  description: 'A tool of a bench, described at about the length that tools are described at',
  inputSchema: { type: 'object' as const, properties: { message: { type: 'string' } } },
}))

const makeServer = (): Server => {
  const server = new Server({ name: 'load', version: '1' }, { capabilities: { tools: {} } })
  server.setRequestHandler(ListToolsRequestSchema, () => ({ tools: TOOLS }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { sendNotification }) => {
    const { name, arguments: given = {}, _meta } = params
    if (name === 'text') return text('x'.repeat(Number(given.megabytes) * MIB))
    const progressToken = _meta?.progressToken
    if (name === 'progress' && progressToken !== undefined) {
      for (let progress = 1; progress <= Number(given.steps); progress++) {
        const message = String(performance.timeOrigin + performance.now())
        await sendNotification({ method: 'notifications/progress', params: { progressToken, progress, message } })
        await sleep(PAUSE_MS)
      }
    }
    return text(`Echo: ${String(given.message)}`)
  })
  return server
}
const text = (content: string) => ({ content: [{ type: 'text' as const, text: content }] })

const serveHttp = (): void => {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const transportFor = async (id: string | undefined): Promise<StreamableHTTPServerTransport> => {
    const known = sessions.get(id ?? '')
    if (known !== undefined) return known
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (session) => void sessions.set(session, transport),
    })
    // The SDK's transport has optional members that its own interface does not allow to be undefined.
    await makeServer().connect(transport as Parameters<Server['connect']>[0])
    return transport
  }
  const http = createServer((request, response) => {
    void transportFor(request.headers['mcp-session-id']?.toString()).then((each) =>
      each.handleRequest(request, response),
    )
  })
  http.listen(0, '127.0.0.1', () => {
    const address = http.address()
    console.log(`listening on http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/mcp`)
  })
}

if (process.argv[2] === 'http') serveHttp()
else await makeServer().connect(new StdioServerTransport())
