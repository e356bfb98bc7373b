import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { BEARER } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { initializeRequest, type Local, openSession, post, startDemo } from '../testing/local.ts'
import { type RawStream, readStream } from '../testing/raw-stream.ts'
import type { EndpointLimits } from './limits.ts'

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }
const pong = { jsonrpc: '2.0', id: 1, result: {} }

const start = async (limits: Partial<EndpointLimits> = {}, server = new FakeServer('a').tools('x')) => {
  const local = await startDemo([server], {}, { limits: { drainMs: 20, ...limits } })
  return { local, server, url: new URL(`${local.local.url}/projects/demo/sse`) }
}

/** A session by hand: its stream, and the address that it named. */
const open = async (url: URL, protocolVersion = '2024-11-05'): Promise<{ stream: RawStream; messages: URL }> => {
  const stream = await readStream(url, {})
  await vi.waitFor(() => expect(stream.events()[0]?.event).toBe('endpoint'))
  const messages = new URL(stream.events()[0]?.data ?? '', url)
  await post(messages, { ...initializeRequest, params: { ...initializeRequest.params, protocolVersion } })
  await vi.waitFor(() => expect(answersOf(stream)).toHaveLength(1))
  return { stream, messages }
}

const answersOf = (stream: RawStream) =>
  stream.events().flatMap(({ event, data }) => (event === 'message' ? [JSON.parse(data ?? '')] : []))

const connect = async ({ local }: Local, headers = { Authorization: `Bearer ${BEARER}` }) => {
  const client = new Client({ name: 'old', version: '1' })
  const transport = new SSEClientTransport(new URL(`${local.url}/projects/demo/sse`), { requestInit: { headers } })
  onTestFinished(() => client.close())
  await client.connect(transport)
  return client
}

describe('a client of the old transport', () => {
  it('names the address of messages, takes them, and answers on the stream', async () => {
    const { url } = await start()
    const { stream, messages } = await open(url)
    expect(messages.pathname).toBe('/projects/demo/messages')
    expect(messages.searchParams.get('sessionId')).toMatch(/^[\w-]{32}$/)
    const accepted = await post(messages, ping)
    expect(accepted.status).toBe(202)
    await vi.waitFor(() => expect(answersOf(stream)).toContainEqual(pong))
    expect(answersOf(stream)[0]).toMatchObject({ id: 'init', result: { protocolVersion: '2024-11-05' } })
  })

  it('gets progress, and leaves nothing when it goes', async () => {
    let answer = (): void => {}
    const server = new FakeServer('a').tools('x').on('tools/call', ({ params, notify }) => {
      const { progressToken } = params._meta as { progressToken: number }
      notify('notifications/progress', { progressToken, progress: 1 })
      return new Promise((resolve) => {
        answer = () => resolve({ content: [] })
      })
    })
    const { local } = await start({}, server)
    const client = await connect(local)
    const seen: number[] = []
    const onprogress = ({ progress }: { progress: number }) => {
      seen.push(progress)
      answer() // not before: the SDK forgets whom progress is for when the answer comes with it
    }
    await client.callTool({ name: 'a__x' }, undefined, { onprogress })
    expect([seen, local.local.sessions()]).toEqual([[1], 1])
    await client.close()
    await vi.waitFor(() => expect([local.local.sessions(), local.mcpd.links]).toEqual([0, 0]))
  })

  it('that vanishes in the middle of a call ends its session, and the call', async () => {
    const hung = new FakeServer('a').tools('x').on('tools/call', () => new Promise(() => {}))
    const { local, url } = await start({}, hung)
    const { stream, messages } = await open(url)
    await post(messages, { jsonrpc: '2.0', id: 2, method: 'tools/call', params: { name: 'a__x' } })
    await vi.waitFor(() => expect(hung.methods()).toContain('tools/call'))
    stream.close()
    await vi.waitFor(() => expect([local.local.sessions(), local.mcpd.links]).toEqual([0, 0]))
    expect((await post(messages, ping)).status).toBe(404)
  })

  it('may send batches if it has agreed on 2025-03-26, and no other', async () => {
    const { url } = await start()
    const { stream, messages } = await open(url, '2025-03-26')
    expect((await post(messages, [ping, { ...ping, id: 2 }])).status).toBe(202)
    await vi.waitFor(() => expect(answersOf(stream)).toContainEqual([pong, { ...pong, id: 2 }]))
    const old = await open(url)
    expect((await post(old.messages, [ping])).status).toBe(400)
  })

  it('gets two long answers that come at once', async () => {
    const text = 'x'.repeat(300_000)
    const server = new FakeServer('a').tools('x').on('tools/call', () => ({ text }))
    const { url } = await start({ streamBytes: 200_000 }, server)
    const { stream, messages } = await open(url)
    const call = (id: number) => post(messages, { jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'a__x' } })
    await Promise.all([call(1), call(2)])
    await vi.waitFor(() => expect(answersOf(stream).map(({ id }) => id)).toEqual(['init', 1, 2]))
    expect(stream.isOpen()).toBe(true)
  })

  it('is shown that the stream lives, and told when mcpd ends the session', async () => {
    const { url, local } = await start({ heartbeatMs: 5 })
    const { stream } = await open(url)
    await vi.waitFor(() => expect(stream.text()).toContain(': still here\n\n'))
    local.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    await vi.waitFor(() => expect([stream.isOpen(), local.local.sessions()]).toEqual([false, 0]))
  })
})

describe('bad input to the old transport', () => {
  it('is refused as it is at the other', async () => {
    const { url, local } = await start()
    const { messages, stream } = await open(url)
    const status = async (answer: Promise<Response>) => (await answer).status
    const get = (headers: Record<string, string>, at = url) =>
      fetch(at, { headers: { Authorization: `Bearer ${BEARER}`, Accept: 'text/event-stream', ...headers } })
    expect(await status(get({ Authorization: '' }))).toBe(401)
    expect(await status(get({ Authorization: 'Bearer wrong' }))).toBe(401)
    expect(await status(get({ Accept: 'application/json' }))).toBe(406)
    expect(await status(get({ Origin: 'https://evil.example' }))).toBe(403)
    expect(await status(get({}, new URL(`${local.local.url}/projects/nope/sse`)))).toBe(404)
    expect(await status(post(url, ping))).toBe(405)
    expect(await status(get({}, messages))).toBe(405)
    expect(await status(post(messages, ping, { 'Content-Type': 'text/plain' }))).toBe(415)
    expect(await status(post(messages, ping, { Origin: 'https://evil.example' }))).toBe(403)
    expect(await status(post(messages, '{'))).toBe(400)
    expect(await status(post(messages, { ...ping, param: 1 }))).toBe(400)
    expect(await status(post(messages, 'x'.repeat(5 * 1024 * 1024)))).toBe(413)
    expect(await status(post(new URL('/projects/demo/messages', url), ping))).toBe(400)
    expect(answersOf(stream)).toHaveLength(1)
  })

  it('with the session of another bearer, project or transport finds none', async () => {
    const { url, local } = await start()
    local.mcpd.project('other', { servers: [] })
    const { messages } = await open(url)
    const session = await openSession(local.endpoint('demo'))
    const at = (path: string, id: string) => new URL(`${local.local.url}/projects/${path}?sessionId=${id}`)
    const id = messages.searchParams.get('sessionId') ?? ''
    expect((await post(messages, ping, { Authorization: 'Bearer other' })).status).toBe(404)
    expect((await post(at('other/messages', id), ping)).status).toBe(404)
    expect((await post(at('demo/messages', session['Mcp-Session-Id']), ping)).status).toBe(404)
    expect((await post(local.endpoint('demo'), ping, { 'Mcp-Session-Id': id })).status).toBe(404)
    expect((await post(messages, ping)).status).toBe(202)
  })

  it('opens no more sessions than there may be', async () => {
    const { url, local } = await start({ sessions: 2 })
    const streams = [await readStream(url, {}), await readStream(url, {})]
    const third = await readStream(url, {})
    expect(third.status).toBe(503)
    streams[0]?.close()
    await vi.waitFor(() => expect(local.local.sessions()).toBe(1))
    expect((await readStream(url, {})).status).toBe(200)
  })
})
