import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'

describe('names', () => {
  const two = () => [new FakeServer('a').tools('read', 'list'), new FakeServer('b').tools('read', 'write')]

  it('auto: alone where they are unique, with their server where not, and with their server always', async () => {
    const { names, calledAs } = await startSession({ servers: two(), namespacing: 'auto' })
    expect(await names()).toEqual(['a__read', 'list', 'b__read', 'write'])
    expect(await calledAs('list')).toBe('a/list')
    expect(await calledAs('a__list')).toBe('a/list')
    expect(await calledAs('b__read')).toBe('b/read')
    expect(await calledAs('read')).toContain('Unknown tool: read')
  })

  it('never: the first server has a name that two want, and the log says so', async () => {
    const { names, calledAs, logger } = await startSession({ servers: two(), namespacing: 'never' })
    expect(await names()).toEqual(['read', 'list', 'write'])
    expect(await calledAs('read')).toBe('a/read')
    expect(logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        fields: expect.objectContaining({ hidden: [{ name: 'read', server: 'b', own: 'read', by: 'a' }] }),
      }),
    )
  })

  it('rules: what is denied can be neither seen nor called, what is renamed only under its new name', async () => {
    const [a, b] = two()
    if (a === undefined || b === undefined) throw new Error('two servers')
    a.rules = { deny: ['list'], rename: { read: 'look' } }
    const { names, calledAs } = await startSession({ servers: [a, b] })
    expect(await names()).toEqual(['a__look', 'b__read', 'b__write'])
    expect(await calledAs('a__look')).toBe('a/read')
    expect(await calledAs('a__list')).toContain('Unknown tool: a__list')
    expect(await calledAs('a__read')).toContain('Unknown tool: a__read')
    expect(a.methods().filter((method) => method === 'tools/call')).toHaveLength(1)
  })

  it('rules of an only server hold with never, too', async () => {
    const server = new FakeServer('a').tools('read', 'drop')
    server.rules = { deny: ['drop'] }
    const { names, calledAs } = await startSession({ servers: [server], namespacing: 'never' })
    expect(await calledAs('drop')).toContain('Unknown tool: drop')
    expect(await names()).toEqual(['read'])
  })

  it('of a server whose list fails can still be called with the server before them', async () => {
    const broken = new FakeServer('a').on('tools/call', ({ params }) => ({
      content: [{ type: 'text', text: JSON.stringify({ server: 'a', ...params }) }],
    }))
    const { calledAs } = await startSession({ servers: [broken, new FakeServer('b').tools('x')] })
    expect(await calledAs('a__anything')).toBe('a/anything')
  })
})

describe('a name that a client was given', () => {
  const server = (name: string, ...tools: string[]) => new FakeServer(name).tools(...tools)

  it('goes on to be its tool’s when another server brings the same, before and after the client lists again', async () => {
    const a = server('a', 'read')
    const { mcpd, names, calledAs, told } = await startSession({ servers: [a], namespacing: 'auto' })
    expect(await names()).toEqual(['read'])
    expect(await calledAs('a__read')).toBe('a/read')
    mcpd.project('demo', { servers: [server('b', 'read'), a], namespacing: 'auto' })
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect([await calledAs('read'), await calledAs('a__read')]).toEqual(['a/read', 'a/read'])
    expect(await names()).toEqual(['b__read', 'a__read'])
    expect([await calledAs('read'), await calledAs('a__read')]).toEqual(['a/read', 'a/read'])
    expect(await calledAs('b__read')).toBe('b/read')
  })

  it('goes on to be its tool’s when that is the only one again', async () => {
    const a = server('a', 'read')
    const { mcpd, names, calledAs, told } = await startSession({
      servers: [a, server('b', 'read')],
      namespacing: 'auto',
    })
    expect(await names()).toEqual(['a__read', 'b__read'])
    mcpd.project('demo', { servers: [a], namespacing: 'auto' })
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect(await names()).toEqual(['read'])
    expect([await calledAs('a__read'), await calledAs('read')]).toEqual(['a/read', 'a/read'])
    expect(await calledAs('b__read')).toContain('Unknown tool: b__read')
  })

  it('does not come to be the tool of a server that is put before its own, until the client has listed again', async () => {
    const a = server('a', 'read')
    const { mcpd, names, calledAs, told } = await startSession({ servers: [a], namespacing: 'never' })
    expect(await names()).toEqual(['read'])
    mcpd.project('demo', { servers: [server('b', 'read'), a], namespacing: 'never' })
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect(await calledAs('read')).toBe('a/read')
    expect(await names()).toEqual(['read'])
    expect(await calledAs('read')).toBe('b/read')
  })

  it('is refused when its tool is gone and another has the name, until the client has listed again', async () => {
    const { mcpd, names, call, calledAs, told } = await startSession({
      servers: [server('a', 'read')],
      namespacing: 'never',
    })
    expect(await names()).toEqual(['read'])
    mcpd.project('demo', { servers: [server('b', 'read'), server('c')], namespacing: 'never' })
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect((await call('read'))?.error?.message).toBe('Unknown tool: read')
    expect(await names()).toEqual(['read'])
    expect(await calledAs('read')).toBe('b/read')
  })

  it('says why it is refused where it is known what has the name now', async () => {
    const [a, b] = [server('a', 'read'), server('b', 'read', 'write')]
    const { mcpd, names, call, told } = await startSession({ servers: [a, b], namespacing: 'never' })
    expect(await names()).toEqual(['read', 'write'])
    a.rules = { deny: ['read'] }
    mcpd.update('demo')
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect((await call('read'))?.error).toMatchObject({
      code: -32602,
      message: 'Unknown tool: read. It is not offered any more; another tool has its name now',
      data: { hint: 'List the tools again to call that.' },
    })
  })

  it('without a list means the same each time, too', async () => {
    const b = server('b', 'read')
    const { mcpd, calledAs, told } = await startSession({ servers: [server('a', 'b__read'), b], namespacing: 'auto' })
    expect(await calledAs('b__read')).toBe('b/read')
    mcpd.project('demo', { servers: [server('a', 'b__read')], namespacing: 'auto' })
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    expect(await calledAs('b__read')).toContain('Unknown tool: b__read')
  })
})

it('a tool that is called like another server’s is not that server’s, whichever list is there', async () => {
  let answer = (): void => {}
  const slow = new FakeServer('other').tools('tool')
  slow.on('tools/list', () => new Promise((resolve) => (answer = () => resolve({ tools: [{ name: 'tool' }] }))))
  const { names, calledAs } = await startSession(
    { servers: [new FakeServer('x').tools('other__tool'), slow], namespacing: 'auto' },
    { firstListMs: 10 },
  )
  expect(await names()).toEqual(['x__other__tool'])
  expect([await calledAs('other__tool'), await calledAs('x__other__tool')]).toEqual(['other/tool', 'x/other__tool'])
  answer()
  await vi.waitFor(async () => expect(await names()).toEqual(['x__other__tool', 'tool']))
  expect([await calledAs('other__tool'), await calledAs('tool')]).toEqual(['other/tool', 'other/tool'])
})

describe('descriptions', () => {
  const tool = { name: 'read', title: 'Read', annotations: { readOnlyHint: true }, inputSchema: { type: 'object' } }
  const servers = () =>
    ['a', 'b'].map((name, i) =>
      new FakeServer(name).on('tools/list', () => ({
        tools: [
          { ...tool, name: `read${i}`, description: `Reads ${name}` },
          { ...tool, name: `bare${i}` },
        ],
      })),
    )
  const described = async (project: Parameters<typeof startSession>[0]) => {
    const { list } = await startSession(project)
    const { tools } = (await list()) as { tools: { name: string; description?: string }[] }
    return tools.map(({ name, description }) => `${name}: ${description}`)
  }

  it('name their server where its name does not, of several', async () => {
    const namespacing = 'auto'
    const [a = new FakeServer('a')] = servers()
    expect(await described({ servers: servers(), namespacing })).toEqual([
      'read0: [a] Reads a',
      'bare0: [a]',
      'read1: [b] Reads b',
      'bare1: [b]',
    ])
    expect(await described({ servers: [a], namespacing })).toEqual(['read0: Reads a', 'bare0: undefined'])
    expect((await described({ servers: servers(), namespacing: 'always' }))[0]).toBe('a__read0: Reads a')
  })

  it('name it always, or never, where the project says so', async () => {
    const [a = new FakeServer('a')] = servers()
    expect(await described({ servers: [a], namespacing: 'always', describeServers: 'always' })).toEqual([
      'a__read0: [a] Reads a',
      'a__bare0: [a]',
    ])
    expect((await described({ servers: servers(), namespacing: 'auto', describeServers: 'never' }))[0]).toBe(
      'read0: Reads a',
    )
  })

  it('are what the project says, and nothing else of the tool changes', async () => {
    const [a = new FakeServer('a')] = servers()
    a.rules = { describe: { 'read*': 'Looks things up' }, rename: { read0: 'look' } }
    const { list } = await startSession({ servers: [a], namespacing: 'never' })
    expect(await list()).toEqual({
      tools: [
        { ...tool, name: 'look', description: 'Looks things up' },
        { ...tool, name: 'bare0' },
      ],
    })
  })
})
