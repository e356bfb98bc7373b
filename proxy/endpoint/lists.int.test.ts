import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startDemo } from '../testing/local.ts'

describe('lists', () => {
  it('are followed through all pages', async () => {
    const server = new FakeServer('a').on('tools/list', ({ params }) => {
      const page = Number(params.cursor ?? 0)
      const tool = { name: `t${page}`, inputSchema: { type: 'object' } }
      return page < 3 ? { tools: [tool], nextCursor: String(page + 1) } : { tools: [tool] }
    })
    const { client } = await (await startDemo([server])).client()
    const { tools, nextCursor } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(['a__t0', 'a__t1', 'a__t2', 'a__t3'])
    expect(nextCursor).toBeUndefined()
  })

  it('are asked of a server once, however many sessions want them at the same time', async () => {
    const server = new FakeServer('a').tools('x')
    const local = await startDemo([server])
    const clients = await Promise.all([local.client(), local.client(), local.client()])
    const lists = await Promise.all(clients.flatMap(({ client }) => [client.listTools(), client.listTools()]))
    expect(lists.map(({ tools }) => tools.length)).toEqual([1, 1, 1, 1, 1, 1])
    expect(server.methods().filter((method) => method === 'tools/list')).toHaveLength(1)
  })

  it('go on when the session that asked for them ends', async () => {
    let answer = (): void => {}
    const server = new FakeServer('a').on(
      'tools/list',
      () =>
        new Promise((resolve) => {
          answer = () => resolve({ tools: [{ name: 'x', inputSchema: { type: 'object' } }] })
        }),
    )
    const local = await startDemo([server])
    const [first, second] = [await local.client(), await local.client()]
    const lost = first.client.listTools().catch(() => undefined)
    await vi.waitFor(() => expect(server.methods()).toEqual(['tools/list']))
    const list = second.client.listTools()
    await first.transport.terminateSession()
    await lost
    await vi.waitFor(() => expect(server.methods()).toEqual(['tools/list', 'tools/list']))
    answer()
    expect((await list).tools).toHaveLength(1)
  })
})
