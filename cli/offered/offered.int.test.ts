import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { FakeMcpd } from '../../proxy/testing/fake-mcpd.ts'
import { FakeServer } from '../../proxy/testing/fake-server.ts'
import { type Local, startLocal } from '../../proxy/testing/local.ts'
import { startEverything } from '../testing/everything.ts'
import { TOKEN } from '../testing/fake-mcpd.ts'
import { World } from '../testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
  await world.given(`
servers: [{ name: everything, command: x }, { name: a, command: x }, { name: b, command: x }]
projects:
  - { name: demo, servers: [{ name: everything }] }
  - { name: two, servers: [{ name: a }, { name: b }] }
  - { name: mixed, namespacing: auto, servers: [{ name: a }, { name: b }] }
  - { name: empty }
`)
})
afterEach(() => world.stop())

const at = (local: Local, ...argv: string[]) => world.run(argv, { env: { MCPCTL_MCPLOCAL: local.local.url } })

describe('what the everything server offers', () => {
  let real: Local
  beforeAll(async () => {
    real = await startEverything()
  })
  afterAll(() => real.close())
  const run = (...argv: string[]) => at(real, ...argv)

  it('is listed as an agent sees it, with whose it is', async () => {
    const { code, out, err } = await run('get', 'tools', '-p', 'demo')
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^NAME +SERVER +DESCRIPTION\n/)
    expect(out).toMatch(/\neverything__get-sum +everything +Returns the sum of two numbers\n/)
    const wide = (await run('get', 'tool', 'everything__get-sum', '-p', 'demo', '-o', 'wide')).out
    expect(wide).toMatch(/^NAME +SERVER +DESCRIPTION +ARGUMENTS +HINTS\n.* a,b +.*read-only/)
  })

  it.each([
    ['prompts', /^NAME +SERVER +ARGUMENTS +DESCRIPTION\n(.*\n)*everything__args-prompt +everything +city,state /],
    ['resources', /^URI +SERVER +TITLE +TYPE\n(.*\n)*demo:\/\/resource\/\S+ +everything +\S/],
    [
      'resourcetemplates',
      /^TEMPLATE +SERVER +TITLE +TYPE\n(.*\n)*demo:\/\/resource\/dynamic\/text\/\{resourceId\} +everything /,
    ],
  ])('%s too', async (kind, table) => {
    expect((await run('get', kind, '-p', 'demo')).out).toMatch(table)
  })

  it('comes in all formats that get has', async () => {
    const { out } = await run('get', 'tools', '-p', 'demo', '-o', 'json')
    const { kind, items } = JSON.parse(out)
    expect([kind, items.length > 5]).toEqual(['List', true])
    const sum = JSON.parse((await run('get', 'tool/everything__get-sum', '-p', 'demo', '-o', 'json')).out)
    expect(sum).toMatchObject({
      kind: 'tool',
      metadata: { name: 'everything__get-sum' },
      spec: { inputSchema: { type: 'object', required: ['a', 'b'] } },
      status: { server: 'everything' },
    })
    expect((await run('get', 'tools', '-p', 'demo', '-o', 'name')).out).toContain('tool/everything__echo\n')
    const path = 'jsonpath={.items[*].metadata.name}'
    expect((await run('get', 'tools', '-p', 'demo', '-o', path)).out).toContain('everything__echo everything__')
    expect((await run('get', 'tools,prompts', '-p', 'demo')).out).toMatch(
      /tool\/everything__echo[\s\S]*prompt\/everything__/,
    )
    const [uri] = JSON.parse((await run('get', 'resources', '-p', 'demo', '-o', 'json')).out).items.map(
      (each: { metadata: { name: string } }) => each.metadata.name,
    )
    expect((await run('get', `resource/${uri}`, '-p', 'demo', '-o', 'name')).out).toBe(`resource/${uri}\n`)
  })

  it('is described: what a tool takes, as a table', async () => {
    const { out } = await run('describe', 'tool/everything__get-sum', '-p', 'demo')
    expect(out).toMatch(/^Name: +everything__get-sum\nKind: +tool\nProject: +demo\nServer: +everything\n/)
    expect(out).toMatch(/\nHints: .*read-only/)
    expect(out).toContain(
      [
        'Arguments:',
        '  NAME   TYPE     REQUIRED   DEFAULT   DESCRIPTION',
        '  a      number   yes        -         First number',
        '  b      number   yes        -         Second number',
      ].join('\n'),
    )
    const weather = (await run('describe', 'tools', 'everything__get-structured-content', '-p', 'demo')).out
    expect(weather).toMatch(/ location +one of New York, Chicago, Los Angeles +yes/)
    expect(weather).toMatch(/\nOutput:\n.*\n +temperature +number +yes/)
    expect((await run('describe', 'prompt/everything__args-prompt', '-p', 'demo')).out).toMatch(/ city +string +yes/)
  })

  it('names the nearest where there is none of that name', async () => {
    expect(await run('get', 'tool/everything__ecko', '-p', 'demo')).toEqual({
      code: 1,
      out: '',
      err: 'error: project/demo offers no tool "everything__ecko"\nhint: Did you mean "everything__echo"?\n',
    })
  })

  it('completes the tools of a call, and is silent when mcplocal is away', async () => {
    expect((await run('__complete', 'tools', 'demo')).out).toContain('everything__echo\n')
    const away = await world.run(['__complete', 'tools', 'demo'], { env: { MCPCTL_MCPLOCAL: 'http://127.0.0.1:9' } })
    expect(away).toEqual({ code: 0, out: '', err: '' })
    expect(await run('__complete', 'tools', 'nothing')).toMatchObject({ code: 0, err: '' })
  })
})

describe('several servers', () => {
  const start = async (namespacing: 'always' | 'auto' | 'never', name: string, ...servers: FakeServer[]) => {
    const mcpd = new FakeMcpd().project(name, { servers, namespacing }).project('empty', { servers: [] })
    mcpd.bearers.add(TOKEN)
    const local = await startLocal(mcpd)
    onTestFinished(() => local.close())
    return local
  }
  const rows = (out: string) =>
    out
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(/ {2,}/).slice(0, 2).join(' '))

  it('are told from each other by names, or by what stands before descriptions', async () => {
    const always = await start('always', 'two', new FakeServer('a').tools('x'), new FakeServer('b').tools('x', 'y'))
    expect(rows((await at(always, 'get', 'tools', '-p', 'two')).out)).toEqual(['a__x a', 'b__x b', 'b__y b'])
    const auto = await start('auto', 'mixed', new FakeServer('a').tools('x'), new FakeServer('b').tools('x', 'y'))
    expect(rows((await at(auto, 'get', 'tools', '-p', 'mixed')).out)).toEqual(['a__x a', 'b__x b', 'y b'])
  })

  it('has no column for the server where nobody can tell', async () => {
    const resources = (name: string) =>
      new FakeServer(name, { resources: {} }).on('resources/list', () => ({
        resources: [{ uri: `${name}://x`, name: 'x' }],
      }))
    const local = await start('always', 'two', resources('a'), resources('b'))
    expect((await at(local, 'get', 'resources', '-p', 'two')).out).toMatch(/^URI +TITLE +TYPE\na:\/\/x/)
  })

  it('says which is left out, and why', async () => {
    const away = new FakeServer('b').tools('y')
    away.state = 'unavailable'
    away.reason = 'it is starting'
    const local = await start('always', 'two', new FakeServer('a').tools('x'), away)
    const { code, out, err } = await at(local, 'get', 'tools', '-p', 'two')
    expect([code, rows(out), err]).toEqual([0, ['a__x a'], 'server/b is left out: it is starting\n'])
    expect((await at(local, 'call', 'two', 'b__y')).err).toContain('server/b is left out: it is starting')
  })

  it('says that there are none', async () => {
    const local = await start('always', 'two', new FakeServer('a').tools('x'))
    expect(await at(local, 'get', 'tools', '-p', 'empty')).toEqual({
      code: 0,
      out: '',
      err: 'project/empty has no servers; "mcpctl edit project/empty" attaches some\nNo tools found\n',
    })
    expect((await at(local, 'call', 'empty', 'x')).err).toContain('project/empty has no tool "x"')
  })

  it('puts no name of a server into a shell that the shell would run', async () => {
    const odd = new FakeServer('a').tools('fine', '$(touch x)', 'a b')
    const local = await start('never', 'two', odd)
    expect((await at(local, '__complete', 'tools', 'two')).out).toBe('fine\n')
    expect((await at(local, 'get', 'tools', '-p', 'two')).out).toContain('$(touch x)')
  })
})

describe('wrong usage', () => {
  it.each<[readonly string[], string]>([
    [['get', 'tools'], 'tools of which project?'],
    [['describe', 'tool/x'], 'tools of which project?'],
    [['get', 'servers', '-p', 'demo'], '--project goes with tools, prompts, resources, resourcetemplates only'],
    [['get', 'tools', '-p', 'demo', '-l', 'a=b'], '--selector does not go with tools: they have no labels'],
    [['get', 'tools', '-p', 'demo', '--watch'], '--watch does not go with tools'],
    [['get', 'tools', '-p', 'demo', '--server', 'a'], '--server does not go with tools'],
    [['get', 'tools,servers', '-p', 'demo'], 'servers does not go together with what a project offers'],
    [['get', 'servers,tools', '-p', 'demo'], 'tools are offered by servers, mcpd does not keep them'],
    [['get', 'tools,prompts', 'x', '-p', 'demo'], 'names go with one kind'],
    [['get', 'tool/', '-p', 'demo'], '"tool/" is no KIND/NAME'],
    [['delete', 'tools', 'x'], 'tools are offered by servers, mcpd does not keep them'],
    [['get', 'tolos', '-p', 'demo'], 'Did you mean "tools"?'],
  ])('%j', async (argv, message) => {
    const { code, out, err } = await world.run(argv)
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(message)])
  })
})

it('what a hostile server offers is neither obeyed by a terminal nor takes for ever', async () => {
  const members = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`m${i}`, { $ref: '#' }]))
  const server = new FakeServer('a', { tools: {}, resources: {} })
    .on('tools/list', () => ({ tools: [{ name: 'deep', inputSchema: { type: 'object', properties: members } }] }))
    .on('resources/list', () => ({ resources: [{ uri: 'x://y\u001b[2J\nz', name: 'n\u001b[2J' }] }))
  const local = await startLocal(new FakeMcpd().project('demo', { servers: [server] }))
  onTestFinished(() => local.close())
  local.mcpd.bearers.add(TOKEN)
  const get = (format: string) =>
    world.run(['get', 'resources', '-p', 'demo', '-o', format], {
      env: { MCPCTL_MCPLOCAL: local.local.url },
      outIsTTY: true,
    })
  expect((await get('name')).out).toBe('resource/x://y\\x1b[2J\\nz\n')
  expect((await get('jsonpath={.items[*].spec.name}')).out).toBe('n\\x1b[2J\n')
  const { code, out } = await at(local, 'describe', 'tool/a__deep', '-p', 'demo')
  expect([code, out.split('\n').length < 300]).toEqual([0, true])
})
