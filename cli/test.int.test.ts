import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { JsonObject } from '../domain/kernel/json.ts'
import { World } from './testing/world.ts'

let world = new World()
let asked: { readonly instance: string; readonly method: string; readonly params?: JsonObject }[] = []

const tools = [
  {
    name: 'echo',
    description: 'Says it again. And again.',
    inputSchema: { properties: { text: { type: 'string' }, count: { type: 'integer' }, list: { type: 'array' } } },
  },
  { name: 'fail' },
]
const welcome = {
  protocolVersion: '2025-11-25',
  serverInfo: { name: 'parrot', version: '1.2' },
  capabilities: { tools: {}, resources: {} },
}

/** What a good server answers. */
const answerOf = (method: string, params: JsonObject = {}): object => {
  if (method === 'initialize') return { ok: true, result: welcome }
  if (method === 'tools/list')
    return params.cursor === undefined
      ? { ok: true, result: { tools: tools.slice(0, 1), nextCursor: 'more' } }
      : { ok: true, result: { tools: tools.slice(1) } }
  if (method === 'resources/list') return { ok: true, result: { resources: [{}, {}, {}] } }
  if (method !== 'tools/call') return { ok: true, result: {} }
  const result = { content: [{ type: 'text', text: JSON.stringify(params.arguments) }] }
  return params.name === 'fail'
    ? { ok: false, reason: 'isError: no', result: { ...result, isError: true } }
    : { ok: true, result }
}

const copy = (name: string, status: JsonObject) =>
  world.mcpd.store.put('instance', name, { spec: { server: 'a' }, status })

beforeEach(async () => {
  world = new World()
  asked = []
  await world.start()
  await world.given('servers: [{ name: a, command: x }, { name: b, command: x }]')
  copy('a-1', { phase: 'running', health: 'unhealthy' })
  copy('a-2', { phase: 'running', health: 'healthy' })
  world.mcpd.probe = (request) => {
    asked.push(request)
    return { instance: request.instance, latencyMs: 2.5, ...answerOf(request.method, request.params) }
  }
})
afterEach(() => world.stop())

describe('test', () => {
  it('shows what each copy says of itself, and the tools', async () => {
    expect(await world.run(['test', 'server/a'])).toEqual({
      code: 0,
      err: '',
      out: [
        'INSTANCE   ANSWERS   PROTOCOL     SERVER       CAPABILITIES      TOOLS   RESOURCES   PROMPTS   LATENCY',
        'a-1        Yes       2025-11-25   parrot 1.2   tools,resources   2       3           <none>    2.5 ms',
        'a-2        Yes       2025-11-25   parrot 1.2   tools,resources   2       3           <none>    2.5 ms',
        '',
        'TOOL   DESCRIPTION',
        'echo   Says it again.',
        'fail   <none>',
        '',
      ].join('\n'),
    })
    expect(new Set(asked.map(({ method }) => method))).toEqual(
      new Set(['initialize', 'ping', 'tools/list', 'resources/list']),
    )
  })

  it('says why a copy does not answer, or does not run', async () => {
    copy('a-3', { phase: 'error', error: 'it ended with exit code 1' })
    world.mcpd.probe = ({ instance, method, params }) =>
      instance === 'a-2' && method === 'tools/list'
        ? { instance, latencyMs: 9, ok: false, reason: 'no answer within 30 s' }
        : { instance, latencyMs: 2.5, ...answerOf(method, params) }
    const { code, out } = await world.run(['test', 'a'])
    expect(code).toBe(1)
    expect(out).toContain('a-1        Yes ')
    expect(out).toContain('a-2        No ')
    expect(out).toContain('\na-2: tools/list: no answer within 30 s\na-3: does not run: it ended with exit code 1\n')
  })

  it('takes one copy, by either way to name it', async () => {
    for (const words of [['a', '--instance', 'a-1'], ['instance/a-1'], ['a-1']]) {
      asked = []
      await world.run(['test', ...words])
      expect(new Set(asked.map(({ instance }) => instance))).toEqual(new Set(['a-1']))
    }
    expect(await world.run(['test', 'b', '--instance', 'a-1'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('is a copy of server/a'),
    })
  })

  it('calls a tool of the healthiest copy, with arguments as its schema has them', async () => {
    const { code, out } = await world.run([
      ...['test', 'a', '--tool', 'echo', '--arg', 'text=5', '--arg', 'count=5'],
      ...['--args-json', '{"list": [1], "count": 4}'],
    ])
    expect([code, out]).toEqual([0, '{"list":[1],"count":5,"text":"5"}\n'])
    expect(asked.at(-1)).toMatchObject({ instance: 'a-2', method: 'tools/call' })
  })

  it('exits with 1 when the tool answers with an error, or nothing does', async () => {
    expect(await world.run(['test', 'a', '--tool', 'fail'])).toEqual({ code: 1, out: '{}\n', err: '' })
    expect((await world.run(['test', 'a', '--tool', 'ehco'])).err).toContain('Did you mean "echo"?')
    expect(await world.run(['test', 'b', '--tool', 'echo'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('no copy of server/b runs'),
    })
    expect(await world.run(['test', 'b'])).toEqual({ code: 1, out: '', err: 'server/b has no copies\n' })
  })

  it('gives all of it as JSON', async () => {
    const { items } = JSON.parse((await world.run(['test', 'a', '--instance', 'a-1', '-o', 'json'])).out)
    expect(items).toMatchObject([{ instance: 'a-1', ok: true, tools, resources: 3, latencyMs: 2.5, errors: [] }])
    const called = await world.run(['test', 'a', '--tool', 'fail', '-o', 'json'])
    expect(JSON.parse(called.out)).toMatchObject({ ok: false, reason: 'isError: no', result: { isError: true } })
  })

  it('refuses what makes no sense', async () => {
    for (const words of [['a', '--arg', 'x=1'], ['a', 'b'], ['a', '--timeout', '2m'], ['project/a']])
      expect(await world.run(['test', ...words])).toMatchObject({ code: 2 })
  })
})
