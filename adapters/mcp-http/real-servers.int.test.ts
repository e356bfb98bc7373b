import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createHttpStreams } from './http-streams.ts'
import { openTestStream, type TestStream } from './testing/test-stream.ts'

const FINALLY = { timeout: 10_000, interval: 10 }
const silent = { debug() {}, info() {}, warn() {}, error() {} }
const open = createHttpStreams({ logger: silent, limits: { retryMs: 20 } })
const folder = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json'))

const closings: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close()
})

const opened = (url: URL, options: Partial<Parameters<typeof open>[0]> = {}): TestStream => {
  const stream = openTestStream(open, { url, ...options })
  closings.push(() => stream.stop({ graceMs: 1000 }))
  return stream
}

const textOf = ({ result }: Awaited<ReturnType<TestStream['ask']>>): unknown => {
  const content = result?.content
  return Array.isArray(content) ? content[0]?.text : undefined
}

/** A port that nobody listens on, most likely still in a moment. */
const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

/** Not waited for: streams themselves try until it is up. */
const startEverything = async (transport: 'streamableHttp' | 'sse') => {
  const port = await freePort()
  const env = { PATH: process.env.PATH, PORT: `${port}` }
  const child = spawn(process.execPath, [join(folder, 'dist/index.js'), transport], { env, stdio: 'ignore' })
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { port, kill }
}

describe.each([
  { transport: 'STREAMABLE_HTTP', flag: 'streamableHttp', path: '/mcp' },
  { transport: 'SSE', flag: 'sse', path: '/sse' },
] as const)('the reference server over $transport', ({ transport, flag, path }) => {
  let program: Awaited<ReturnType<typeof startEverything>>
  beforeAll(async () => {
    program = await startEverything(flag)
  })
  afterAll(() => program.kill())

  const begin = async (capabilities = {}) => {
    const stream = opened(new URL(`http://127.0.0.1:${program.port}${path}`), { transport, startupMs: 20_000 })
    const params = { protocolVersion: '2025-11-25', capabilities, clientInfo: { name: 'test', version: '0' } }
    expect((await stream.initialize(params)).result?.serverInfo).toMatchObject({
      name: expect.stringMatching(/everything/),
    })
    return stream
  }

  it('answers calls, many at once', async () => {
    const stream = await begin()
    expect(JSON.stringify(await stream.ask(1, 'tools/list'))).toContain('"echo"')
    const calls = Array.from({ length: 50 }, (_, i) =>
      stream.ask(`c${i}`, 'tools/call', { name: 'echo', arguments: { message: `${i}` } }),
    )
    expect((await Promise.all(calls)).map(textOf)).toEqual(calls.map((_, i) => `Echo: ${i}`))
  })

  it('reports progress before the answer, in order', async () => {
    const stream = await begin()
    await stream.ask(1, 'tools/call', {
      name: 'trigger-long-running-operation',
      arguments: { duration: 0.4, steps: 4 },
      _meta: { progressToken: 'p' },
    })
    expect(stream.notifications('notifications/progress').map(({ params }) => params?.progress)).toEqual([1, 2, 3, 4])
  })

  it('asks its client in the middle of a call', async () => {
    const stream = await begin({ sampling: {} })
    const call = stream.ask(1, 'tools/call', {
      name: 'trigger-sampling-request',
      arguments: { prompt: 'hello', maxTokens: 10 },
    })
    const [asked] = await vi.waitFor(() => {
      const requests = stream.notifications('sampling/createMessage')
      expect(requests).toHaveLength(1)
      return requests
    }, FINALLY)
    const result = { role: 'assistant', content: { type: 'text', text: 'sampled' }, model: 'm' }
    stream.send(JSON.stringify({ jsonrpc: '2.0', id: asked?.id, result }))
    expect(JSON.stringify(await call)).toContain('sampled')
  })

  it('says things by itself', async () => {
    const stream = await begin()
    await stream.ask(1, 'logging/setLevel', { level: 'debug' })
    await stream.ask(2, 'tools/call', { name: 'toggle-simulated-logging', arguments: {} })
    await vi.waitFor(() => expect(stream.notifications('notifications/message')).not.toEqual([]), FINALLY)
  })

  it('is missed when it ends', async () => {
    const stream = await begin()
    const call = stream.ask(1, 'tools/call', {
      name: 'trigger-long-running-operation',
      arguments: { duration: 60, steps: 600 },
      _meta: { progressToken: 'p' },
    })
    await vi.waitFor(() => expect(stream.notifications('notifications/progress')).not.toEqual([]), FINALLY)
    await program.kill()
    expect((await call).error).toMatchObject({ code: -32000, data: { hint: expect.stringContaining('may have run') } })
  })
})

describe.each([{ enableJsonResponse: true }, { enableJsonResponse: false }])(
  'the SDK server with $enableJsonResponse JSON',
  (options) => {
    const begin = async () => {
      const server = new McpServer({ name: 'sdk', version: '1' })
      server.registerTool('greet', {}, () => ({ content: [{ type: 'text', text: 'hello' }] }))
      let ids = 0
      const ended: string[] = []
      const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: () => `sdk-${++ids}`,
        onsessionclosed: (id) => void ended.push(id),
        ...options,
      })
      await server.connect(transport as Parameters<typeof server.connect>[0])
      const http = createServer((request, answer) => void transport.handleRequest(request, answer)).listen(
        0,
        '127.0.0.1',
      )
      await once(http, 'listening')
      closings.push(async () => {
        await server.close()
        http.closeAllConnections()
        http.close()
        await once(http, 'close')
      })
      const address = http.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      return { url: new URL(`http://127.0.0.1:${port}/mcp`), ended, server }
    }

    it('is initialised, called, heard and told of the end', async () => {
      const { url, ended, server } = await begin()
      const stream = opened(url)
      expect((await stream.initialize()).result?.protocolVersion).toBe('2025-11-25')
      expect(textOf(await stream.ask(1, 'tools/call', { name: 'greet' }))).toBe('hello')
      await vi.waitFor(async () => {
        server.sendToolListChanged()
        expect(stream.notifications('notifications/tools/list_changed')).not.toEqual([])
      }, FINALLY)
      await stream.stop({ graceMs: 1000 })
      expect(await stream.exited).toEqual({ reason: 'it was stopped' })
      expect(ended).toEqual(['sdk-1'])
    })
  },
)
