import { describe, expect, it } from 'vitest'
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
        fields: expect.objectContaining({ hidden: [{ name: 'read', server: 'b', by: 'a' }] }),
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
