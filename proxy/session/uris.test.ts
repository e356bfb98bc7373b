import { describe, expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'

/** A server with a resource and a template, which says what it was asked. */
const server = (name: string) =>
  new FakeServer(name, { resources: { subscribe: true }, completions: {} })
    .on('resources/list', () => ({ resources: [{ uri: 'doc://1', name: 'one' }] }))
    .on('resources/templates/list', () => ({ resourceTemplates: [{ uriTemplate: 'doc://{id}', name: 'any' }] }))
    .on('resources/read', ({ params }) => ({ contents: [{ uri: params.uri ?? '', text: name }] }))
    .on('resources/subscribe', () => ({}))
    .on('resources/unsubscribe', () => ({}))
    .on('completion/complete', ({ params }) => ({ completion: { values: [name, JSON.stringify(params.ref)] } }))

const start = async () => {
  const servers = [server('a'), server('b')] as const
  const session = await startSession({ servers, namespacing: 'auto' })
  const read = async (uri: string) => (await session.ask('resources/read', { uri }))?.result
  return { ...session, servers, read }
}

describe('what two servers have under one URI', () => {
  it('is listed as the first’s, and as the later’s with that server before it; each is read where it belongs', async () => {
    const { list, read } = await start()
    expect(await list('resources')).toMatchObject({ resources: [{ uri: 'doc://1' }, { uri: 'b+doc://1' }] })
    expect(await list('resources/templates')).toMatchObject({
      resourceTemplates: [{ uriTemplate: 'doc://{id}' }, { uriTemplate: 'b+doc://{id}' }],
    })
    expect(await read('doc://1')).toEqual({ contents: [{ uri: 'doc://1', text: 'a' }] })
    expect(await read('b+doc://1')).toEqual({ contents: [{ uri: 'b+doc://1', text: 'b' }] })
    expect(await read('b+doc://77')).toEqual({ contents: [{ uri: 'b+doc://77', text: 'b' }] })
  })

  it('has its updates under the URI that the client subscribed to', async () => {
    const { ask, told, servers, list } = await start()
    await list('resources')
    expect((await ask('resources/subscribe', { uri: 'b+doc://1' }))?.result).toEqual({})
    expect(servers[1].got.at(-1)).toMatchObject({ method: 'resources/subscribe', params: { uri: 'doc://1' } })
    for (const each of servers) each.notify('notifications/resources/updated', { uri: 'doc://1' })
    await vi.waitFor(() => expect(told).toHaveLength(2))
    expect(told.map(({ params }) => params?.uri)).toEqual(['doc://1', 'b+doc://1'])
    expect((await ask('resources/unsubscribe', { uri: 'b+doc://1' }))?.result).toEqual({})
    expect(servers[1].got.at(-1)).toMatchObject({ method: 'resources/unsubscribe', params: { uri: 'doc://1' } })
    expect(servers[0].methods()).not.toContain('resources/unsubscribe')
  })

  it('is completed by the server whose template it is, under its own words', async () => {
    const { ask, list } = await start()
    await list('resources/templates')
    const complete = async (uri: string) => {
      const argument = { name: 'id', value: '' }
      const answer = await ask('completion/complete', { ref: { type: 'ref/resource', uri }, argument })
      return answer?.result?.completion
    }
    const ref = JSON.stringify({ type: 'ref/resource', uri: 'doc://{id}' })
    expect(await complete('doc://{id}')).toEqual({ values: ['a', ref] })
    expect(await complete('b+doc://{id}')).toEqual({ values: ['b', ref] })
  })

  it('goes on to be what the client was given when a server comes that is attached before', async () => {
    const { mcpd, servers, read, list, told } = await start()
    mcpd.project('demo', { servers: [servers[1]], namespacing: 'auto' })
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(0))
    // With another beside it, as nothing is told apart for an only one.
    mcpd.project('demo', { servers: [servers[1], new FakeServer('c')], namespacing: 'auto' })
    await vi.waitFor(async () => expect(await list('resources')).toMatchObject({ resources: [{ uri: 'doc://1' }] }))
    mcpd.project('demo', { servers: [...servers, new FakeServer('c')], namespacing: 'auto' })
    const before = told.length
    await vi.waitFor(() => expect(told.length).toBeGreaterThan(before))
    expect(await read('doc://1')).toMatchObject({ contents: [{ text: 'b' }] })
    await list('resources')
    expect(await read('doc://1')).toMatchObject({ contents: [{ text: 'a' }] })
  })
})
