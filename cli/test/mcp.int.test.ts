import { spawn } from 'node:child_process'
import type { IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { BEARER } from '../../proxy/testing/fake-mcpd.ts'
import type { Local } from '../../proxy/testing/local.ts'
import { freePort } from '../../tests/testing/free-port.ts'
import { startEverything } from '../testing/everything.ts'
import { type Answer, good, scripted, TOOLS, WELCOME } from '../testing/scripted-endpoint.ts'
import { type Surroundings, World } from '../testing/world.ts'

let local: Local
beforeAll(async () => {
  local = await startEverything()
})
afterAll(() => local.close())

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

const around = (more: Surroundings = {}): Surroundings => ({
  ...more,
  env: { MCPCTL_MCPLOCAL: local.local.url, MCPCTL_TOKEN: BEARER, ...more.env },
})
const test = (argv: readonly string[], more: Surroundings = {}) => world.run(['test', 'mcp', ...argv], around(more))
const stepsOf = (out: string) =>
  (JSON.parse(out).steps as { step: string; result: string; failure?: string; detail: string }[]).map(
    ({ step, result, failure }) => `${step} ${failure ?? result}`,
  )

describe('test mcp, 0: it works', () => {
  it('says what it found, step by step', async () => {
    const { code, out, err } = await test(['project/demo', '--expect-tools', 'everything__echo,everything__get-sum'])
    expect([code, err]).toEqual([0, ''])
    expect(out.replace(/\([\d.]+ ms\)/g, '(T)')).toMatch(
      new RegExp(
        [
          `^${local.local.url}/projects/demo/mcp`,
          'health {6}ok {7}mcplocal is ready \\(T\\)',
          'initialize {2}ok {7}mcpctl/demo \\S+, protocol 2025-11-25 over Streamable HTTP, with .*tools.* \\(T\\)',
          'ping {8}ok {7}answers \\(T\\)',
          'tools {7}ok {7}\\d+ tools \\(T\\)',
          'expect {6}ok {7}2 expected, all there \\(T\\)\n$',
        ].join('\n'),
      ),
    )
  })

  it('calls a tool, with arguments as its schema has them, and prints what it answers', async () => {
    const call = ['--tool', 'everything__get-sum', '--arg', 'a=19', '--args-json', '{"b": 23}']
    const { code, out } = await test(['-p', 'demo', '--no-health', ...call])
    expect([code, out]).toEqual([0, expect.stringContaining('The sum of 19 and 23 is 42.\n')])
    expect(out).not.toContain('health')
  })

  it('gives one document for programs', async () => {
    const weather = ['--tool', 'everything__get-structured-content', '--arg', 'location=Chicago']
    const { code, out } = await test(['-p', 'demo', ...weather, '-o', 'json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      url: `${local.local.url}/projects/demo/mcp`,
      ok: true,
      exitCode: 0,
      transport: 'Streamable HTTP',
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'mcpctl/demo' },
      tools: expect.arrayContaining(['everything__echo']),
      result: { structuredContent: { humidity: 82 } },
    })
    expect(stepsOf(out)).toEqual(['health ok', 'initialize ok', 'ping ok', 'tools ok', 'call ok'])
  })

  it('speaks SSE with an endpoint that knows nothing else', async () => {
    const port = await freePort()
    const path = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')
    const child = spawn(process.execPath, [join(dirname(path), 'dist/index.js'), 'sse'], {
      env: { ...process.env, PORT: String(port) },
      stdio: 'ignore',
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const run = () => test([`http://127.0.0.1:${port}/sse`, '--tool', 'echo', '--arg', 'message=old', '-o', 'json'])
    await vi.waitFor(async () => expect((await run()).code).toBe(0), { timeout: 30_000, interval: 200 })
    const { out } = await run()
    expect(JSON.parse(out)).toMatchObject({ transport: 'SSE', protocolVersion: expect.stringMatching(/^20/) })
    expect(stepsOf(out)).toEqual(['health skipped', 'initialize ok', 'ping ok', 'tools ok', 'call ok'])
  })

  it('tells a step in one line, whatever the server is called', async () => {
    const serverInfo = { name: 'x\ncall        ok', version: '1' }
    const { code, out } = await test([await scripted(good({ initialize: { ...WELCOME, serverInfo } }))])
    expect([code, out]).toEqual([0, expect.stringContaining('x\\ncall')])
    expect(out).not.toMatch(/^call/m)
  })

  it('needs no tools where nobody expects some', async () => {
    const url = await scripted(good({ initialize: { ...WELCOME, capabilities: {} } }))
    expect(stepsOf((await test([url, '-o', 'json'])).out).slice(1)).toEqual([
      'initialize ok',
      'ping ok',
      'tools skipped',
    ])
  })
})

describe('test mcp, 1: no way there, or not let in', () => {
  it('nobody listens', async () => {
    const port = await freePort()
    const { code, out } = await test([`http://127.0.0.1:${port}/mcp`])
    expect([code, out]).toEqual([1, expect.stringContaining('initialize  failed   nothing listens there')])
  })

  it('mcplocal is not ready, or away', async () => {
    const away = await test(['-p', 'demo'], { env: { MCPCTL_MCPLOCAL: `http://127.0.0.1:${await freePort()}` } })
    expect([away.code, away.out]).toEqual([1, expect.stringContaining('health      failed   nothing listens there')])
  })

  it.each([401, 403])('HTTP %i, with what to do', async (status) => {
    const url = await scripted(() => ({
      status,
      body: { jsonrpc: '2.0', id: null, error: { code: -32600, message: 'No entry' } },
    }))
    const { code, out, err } = await test([url])
    expect([code, out]).toEqual([1, expect.stringContaining('initialize  failed   No entry')])
    expect(err.includes('--token-env')).toBe(status === 401)
  })

  it('the token is not known to mcplocal', async () => {
    const { code, out } = await test(['-p', 'demo'], { env: { MCPCTL_TOKEN: '' } })
    expect([code, out]).toEqual([1, expect.stringContaining('A bearer token is needed')])
  })

  it.each<[string, Answer]>([
    ['a page', () => ({ type: 'text/html', body: '<h1>Hello</h1>' })],
    ['nothing there', () => ({ status: 404, type: 'text/html', body: '<h1>No\u001b[2J</h1>' })],
    ['a bug', () => ({ status: 500, body: 'oh' })],
    ['no answer', () => 'hang'],
    ['a connection that breaks', () => 'break'],
  ])('%s', async (_, answer) => {
    const began = performance.now()
    const { code, out } = await test([await scripted(answer), '--timeout', '400ms', '-o', 'json'])
    expect([code, stepsOf(out)]).toEqual([1, ['health skipped', 'initialize transport']])
    expect(performance.now() - began).toBeLessThan(20_000)
    expect(out).not.toContain('\u001b')
  })

  it('a call that is not answered in time, or whose connection breaks', async () => {
    for (const end of ['hang', 'break'] as const) {
      const url = await scripted((message, request) =>
        message.method === 'tools/call' ? end : good()(message, request),
      )
      const { code, out } = await test([url, '--tool', 'one', '--timeout', '400ms', '-o', 'json'])
      expect([code, stepsOf(out).at(-1)]).toEqual([1, 'call transport'])
      expect(out).toContain(end === 'hang' ? 'no answer within 0.4 s' : 'the connection broke')
    }
  })
})

describe('test mcp, 2: what is answered is not what it should be', () => {
  it('an expected tool is missing', async () => {
    const { code, out } = await test(['-p', 'demo', '--expect-tools', 'everything__ecko,nothing-like-it'])
    expect([code, out]).toEqual([
      2,
      expect.stringContaining('missing: everything__ecko (there is everything__echo), nothing-like-it'),
    ])
  })

  it('the tool answers with an error', async () => {
    const url = await scripted(good({ 'tools/call': { content: [{ type: 'text', text: 'no luck' }], isError: true } }))
    expect(await test([url, '--tool', 'one'])).toMatchObject({
      code: 2,
      out: expect.stringContaining('call        failed   the tool answers with an error: no luck'),
    })
  })

  it.each<[string, string, unknown, string]>([
    [
      'a welcome without a version',
      'initialize',
      { capabilities: {}, serverInfo: { name: 'a', version: '1' } },
      'initialize',
    ],
    ['a revision that nobody knows', 'initialize', { ...WELCOME, protocolVersion: '1999-01-01' }, 'initialize'],
    ['a list that is none', 'tools/list', { tools: {} }, 'tools'],
    ['a tool without a name', 'tools/list', { tools: [{}] }, 'tools'],
    ['a tool without a schema', 'tools/list', { tools: [{ name: 'one' }] }, 'tools'],
    ['two tools of one name', 'tools/list', { tools: [...TOOLS, ...TOOLS] }, 'tools'],
    [
      'a broken output schema',
      'tools/list',
      { tools: [{ ...TOOLS[0], outputSchema: { type: 'object', $ref: '#/no' } }] },
      'tools',
    ],
    ['a result without content', 'tools/call', { content: 5 }, 'call'],
    ['a block without a type', 'tools/call', { content: [{ text: 'a' }] }, 'call'],
  ])('%s', async (_, method, result, step) => {
    const { code, out } = await test([await scripted(good({ [method]: result })), '--tool', 'one', '-o', 'json'])
    expect([code, stepsOf(out).filter((each) => each.includes('contract'))]).toEqual([2, [`${step} contract`]])
  })

  it.each<[string, unknown]>([
    ['none', undefined],
    ['wrong', { n: 'one' }],
  ])('structuredContent is not what the tool promised: %s', async (_, structuredContent) => {
    const outputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    const url = await scripted(
      good({
        'tools/list': { tools: [{ ...TOOLS[0], outputSchema }] },
        'tools/call': { content: [], ...(structuredContent === undefined ? {} : { structuredContent }) },
      }),
    )
    expect((await test([url, '--tool', 'one'])).code).toBe(2)
  })

  it('JSON-RPC errors, and what is no JSON', async () => {
    const refusing = await scripted((message, request) =>
      message.method === 'ping'
        ? { body: { jsonrpc: '2.0', id: message.id, error: { code: -32601, message: 'what?' } } }
        : good()(message, request),
    )
    expect(stepsOf((await test([refusing, '-o', 'json'])).out)).toContain('ping contract')
    const babbling = await scripted(() => ({ body: '{"jsonrpc": ' }))
    expect((await test([babbling])).code).toBe(2)
    const stream = await scripted(() => ({ type: 'text/event-stream', body: 'data: {"jsonrpc":"2.0"}\n\n' }))
    expect((await test([stream, '--timeout', '500ms'])).code).toBe(2)
  })

  it('wrong usage', async () => {
    for (const words of [[], ['ftp://x'], ['demo'], ['http://x', '-p', 'demo'], ['http://x', '--arg', 'a=1']])
      expect(await test(words)).toMatchObject({ code: 2, out: '' })
    expect((await test(['http://x', '--timeout', '0'])).code).toBe(2)
    const arg = ['--tool', 'everything__get-sum', '--arg', 'a=x', '--arg', 'b=1']
    expect(await test(['-p', 'demo', ...arg])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--arg a must be number'),
    })
  })
})

describe('the token of test mcp', () => {
  const bearers = (seen: readonly IncomingMessage[]) => new Set(seen.map(({ headers }) => headers.authorization))

  it('is the one of the login for mcplocal only', async () => {
    const seen: IncomingMessage[] = []
    const url = await scripted(good(), seen)
    expect((await test([url])).code).toBe(0)
    expect((await test([url], { env: { MCPCTL_MCPLOCAL: new URL(url).origin } })).code).toBe(0)
    expect(bearers(seen)).toEqual(new Set([undefined]))
  })

  it('comes from a variable or from standard input', async () => {
    const seen: IncomingMessage[] = []
    const url = await scripted(good(), seen)
    await test([url, '--token-env', 'MINE'], { env: { MINE: 'from-env' } })
    await test([url, '--token', '-'], { stdin: 'from-stdin\n' })
    expect(bearers(seen)).toEqual(new Set(['Bearer from-env', 'Bearer from-stdin']))
  })

  it.each([
    ['--token', 'geheim-12345'],
    ['--token=geheim-12345', '-p=demo'],
    ['--token-env', 'geheim-12345'],
  ])('is not taken from the command line, nor shown: %s', async (...words) => {
    const { code, out, err } = await test(['http://127.0.0.1:9/mcp', ...words])
    expect([code, out]).toEqual([2, ''])
    expect(err).not.toContain('geheim')
  })

  it('is not taken from an address, and a query is not shown', async () => {
    expect(await test(['http://ada:geheim@127.0.0.1:9/mcp'])).toMatchObject({ code: 2, out: '' })
    expect((await test([`${await scripted(good())}?key=geheim`])).out).not.toContain('geheim')
    expect((await test(['-p', 'demo', '--token-env', 'MINE'])).err).toContain('MINE is not set')
    expect((await test(['-p', 'demo', '--token', '-'], { stdin: 'two\nlines' })).err).not.toContain('lines')
  })
})

describe('beside mcpctl test', () => {
  it('a server that is called mcp can be tested', async () => {
    await world.given('servers: [{ name: mcp, command: x }]')
    expect((await world.run(['test', 'server/mcp'])).err).toBe('server/mcp has no copies\n')
  })

  it('Ctrl-C ends it', async () => {
    const stop = new AbortController()
    const url = await scripted(() => {
      setImmediate(() => stop.abort())
      return 'hang'
    })
    expect((await test([url], { signal: stop.signal })).code).toBe(130)
  })
})
