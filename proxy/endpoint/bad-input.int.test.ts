import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { BEARER, FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { initializeRequest, type Local, openSession, post, startLocal } from '../testing/local.ts'

let running: Local
let url: URL
let session: Record<string, string>

beforeAll(async () => {
  const server = new FakeServer('a').tools('x')
  running = await startLocal(new FakeMcpd().project('demo', { servers: [server] }).project('other', { servers: [] }), {
    allowedOrigins: ['https://inspector.example'],
  })
  url = running.endpoint('demo')
  session = await openSession(url)
})
afterAll(() => running.close())

const ping = { jsonrpc: '2.0', id: 1, method: 'ping' }

/** A request with headers that fetch would not send. */
const withHeaders = (headers: Record<string, string>, method = 'POST', path = url.pathname): Promise<number> =>
  new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: '127.0.0.1',
        port: running.local.port,
        path,
        method,
        headers: { Authorization: `Bearer ${BEARER}`, ...headers },
      },
      (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      },
    )
    request.on('error', reject)
    request.end()
  })

const outcome = async (response: Response) => {
  const body = (await response.json()) as {
    id: unknown
    error: { code: number; message: string; data?: { code: string } }
  }
  return {
    status: response.status,
    id: body.id,
    code: body.error.code,
    word: body.error.data?.code,
    message: body.error.message,
  }
}

describe('a body', () => {
  it.each([
    ['that is no JSON', '{"jsonrpc":', -32700, null],
    ['that is empty', '', -32700, null],
    ['that is a string', '"hello"', -32600, null],
    ['that is a batch', [ping, ping], -32600, null],
    ['without jsonrpc', { id: 7, method: 'ping' }, -32600, 7],
    ['with a null id', { jsonrpc: '2.0', id: null, method: 'ping' }, -32600, null],
    ['with an id that is an object', { jsonrpc: '2.0', id: {}, method: 'ping' }, -32600, null],
    ['with a method that is a number', { jsonrpc: '2.0', id: 1, method: 5 }, -32600, 1],
    ['with params that are an array', { jsonrpc: '2.0', id: 1, method: 'ping', params: [1] }, -32600, 1],
    ['with a _meta that is null', { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: null } }, -32600, 1],
    [
      'with a progress token that is null',
      { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: { progressToken: null } } },
      -32600,
      1,
    ],
    ['with a method and a result', { jsonrpc: '2.0', id: 1, method: 'ping', result: {} }, -32600, 1],
    ['with neither method nor id', { jsonrpc: '2.0' }, -32600, null],
    ['with neither result nor error', { jsonrpc: '2.0', id: 1 }, -32600, 1],
    ['with a member that is misspelt', { jsonrpc: '2.0', id: 1, method: 'ping', param: {} }, -32600, 1],
    ['with a member of an extension', { jsonrpc: '2.0', id: 1, method: 'ping', params: {}, trace: 'x' }, -32600, 1],
    [
      'with a related task that is a string',
      { jsonrpc: '2.0', id: 1, method: 'ping', params: { _meta: { 'io.modelcontextprotocol/related-task': 'x' } } },
      -32600,
      1,
    ],
    ['that answers, with params', { jsonrpc: '2.0', id: 1, result: {}, params: {} }, -32600, 1],
    ['with an error code that is no integer', { jsonrpc: '2.0', id: 1, error: { code: 1.5, message: 'x' } }, -32600, 1],
    ['with an error that is a string', { jsonrpc: '2.0', id: 1, error: 'no' }, -32600, 1],
  ])('%s is answered with 400', async (_, body, code, id) => {
    expect(await outcome(await post(url, body, session))).toMatchObject({ status: 400, code, id })
  })

  it('with a member that JSON-RPC does not know is told which, and where it belongs', async () =>
    expect((await outcome(await post(url, { ...ping, param: {} }, session))).message).toBe(
      'Invalid request: "param" is not a member of a JSON-RPC message; what is not in MCP belongs in params._meta',
    ))

  it('that is nested deeper than anything could write again is answered with 400', async () => {
    const deep = `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`
    expect(await outcome(await post(url, deep, session))).toMatchObject({ status: 400, code: -32600 })
  })

  it('full of brackets inside strings is not nested at all', async () => {
    const response = await post(url, { ...ping, params: { text: '[{"'.repeat(5_000) } }, session)
    expect(await response.json()).toEqual({ jsonrpc: '2.0', id: 1, result: {} })
  })

  it('over 4 MiB is answered with 413, whether it says so or not', async () => {
    const big = 'x'.repeat(5 * 1024 * 1024)
    expect(await outcome(await post(url, big, session))).toMatchObject({ status: 413, word: 'body-too-large' })
    const chunked = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${BEARER}`, 'Content-Type': 'application/json', ...session },
      body: new Blob([big]).stream(),
      duplex: 'half',
    } as RequestInit)
    expect(chunked.status).toBe(413)
  })

  it('of 64 MiB is answered with 413, and not read to its end', async () => {
    const [total, chunk] = [64 * 1024 * 1024, Buffer.alloc(64 * 1024, 0x20)]
    const socket = connect(running.local.port, '127.0.0.1')
    const closed = new Promise((resolve) => socket.on('close', resolve))
    let answer = ''
    socket.on('error', () => {}).on('data', (data) => (answer += data))
    const headers = { Authorization: `Bearer ${BEARER}`, 'Content-Type': 'application/json', ...session }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const host = `Host: 127.0.0.1:${running.local.port}\r\n`
    socket.write(`POST ${url.pathname} HTTP/1.1\r\n${host}${lines.join('')}Content-Length: ${total}\r\n\r\n`)
    await vi.waitFor(() => expect(answer).toMatch(/^HTTP\/1.1 413 /))
    const pump = () => {
      while (!socket.destroyed && socket.bytesWritten < total && socket.write(chunk)) {}
    }
    socket.on('drain', pump)
    pump()
    await closed
    expect(socket.bytesWritten).toBeLessThan(total / 2)
  })

  it('that is not UTF-8 is answered with 400', async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: { Authorization: `Bearer ${BEARER}`, 'Content-Type': 'application/json', ...session },
      body: new Uint8Array([0x22, 0xff, 0x22]),
    })
    expect(await outcome(response)).toMatchObject({ status: 400, code: -32700 })
  })
})

describe('a header', () => {
  it('Authorization that is missing or no bearer is answered with 401', async () => {
    for (const Authorization of ['', 'Basic abc', 'Bearer ', 'Bearer']) {
      const response = await post(url, ping, { ...session, Authorization })
      expect(response.headers.get('www-authenticate')).toBe('Bearer')
      expect(await outcome(response)).toMatchObject({ status: 401, word: 'unauthenticated' })
    }
  })

  it('Authorization that mcpd does not know is answered with 401 to initialize', async () => {
    const response = await post(url, initializeRequest, { Authorization: 'Bearer wrong' })
    expect(response.headers.get('www-authenticate')).toContain('invalid_token')
    expect(await outcome(response)).toMatchObject({ status: 401, id: 'init', message: 'the token is not valid' })
  })

  it('Content-Type other than JSON is answered with 415', async () => {
    expect(await outcome(await post(url, ping, { ...session, 'Content-Type': 'text/plain' }))).toMatchObject({
      status: 415,
    })
    expect((await post(url, ping, { ...session, 'Content-Type': 'application/json; charset=utf-8' })).status).toBe(200)
  })

  it('Accept with neither form is answered with 406', async () => {
    expect(await outcome(await post(url, ping, { ...session, Accept: 'text/html' }))).toMatchObject({ status: 406 })
    const get = await fetch(url, {
      headers: { Authorization: `Bearer ${BEARER}`, Accept: 'application/json', ...session },
    })
    expect(get.status).toBe(406)
  })

  it('Accept decides the form of the answer', async () => {
    const json = await post(url, ping, { ...session, Accept: 'application/json' })
    expect(json.headers.get('content-type')).toBe('application/json')
    const sse = await post(url, ping, { ...session, Accept: 'text/event-stream' })
    expect(await sse.text()).toBe('event: message\nid: p1-1\ndata: {"jsonrpc":"2.0","id":1,"result":{}}\n\n')
  })

  it('MCP-Protocol-Version that we do not speak is answered with 400', async () => {
    expect(await outcome(await post(url, ping, { ...session, 'MCP-Protocol-Version': '1999-01-01' }))).toMatchObject({
      status: 400,
      word: 'protocol-version',
    })
    expect((await post(url, ping, { ...session, 'MCP-Protocol-Version': '2025-06-18' })).status).toBe(200)
  })

  it('Mcp-Session-Id that is missing is answered with 400', async () =>
    expect(await outcome(await post(url, ping))).toMatchObject({ status: 400, word: 'session-missing', id: 1 }))

  it('Mcp-Session-Id that is unknown, of another project or of another bearer is answered with the same 404', async () => {
    const unknown = await outcome(await post(url, ping, { 'Mcp-Session-Id': 'x' }))
    expect(unknown).toMatchObject({ status: 404, word: 'session-unknown' })
    expect(await outcome(await post(running.endpoint('other'), ping, session))).toEqual(unknown)
    expect(await outcome(await post(url, ping, { ...session, Authorization: 'Bearer other' }))).toEqual(unknown)
  })

  it('Host that is not ours is answered with 403', async () => {
    expect(await withHeaders({ Host: 'evil.example' })).toBe(403)
    expect(await withHeaders({ Host: `evil.example:${running.local.port}` })).toBe(403)
    expect(await withHeaders({ Host: 'localhost:1' })).toBe(403)
    expect(await withHeaders({ Host: `localhost:${running.local.port}` })).toBe(415)
    expect(await withHeaders({ Host: 'evil.example' }, 'GET', '/metrics')).toBe(403)
    expect(await withHeaders({ Host: '10.0.0.7' }, 'GET', '/healthz')).toBe(200)
  })

  it('Origin that is not allowed is answered with 403, one that is may read the answer', async () => {
    expect(await outcome(await post(url, ping, { ...session, Origin: 'https://evil.example' }))).toMatchObject({
      status: 403,
    })
    expect(await outcome(await post(url, ping, { ...session, Origin: 'null' }))).toMatchObject({ status: 403 })
    const allowed = await post(url, ping, { ...session, Origin: 'https://inspector.example' })
    expect(allowed.status).toBe(200)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://inspector.example')
    expect((await post(url, ping, session)).headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('a request', () => {
  it('to a project that does not exist is answered with 404', async () =>
    expect(await outcome(await post(running.endpoint('nope'), initializeRequest))).toMatchObject({
      status: 404,
      word: 'not-found',
      message: 'project/nope does not exist',
    }))

  it('to another path is answered with 404, with another method with 405', async () => {
    expect((await fetch(`${running.local.url}/nope`)).status).toBe(404)
    const put = await fetch(url, { method: 'PUT', headers: { Authorization: `Bearer ${BEARER}` } })
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST, DELETE'])
  })

  it('initialize without a protocol version is no session', async () => {
    const before = running.local.sessions()
    const response = await post(url, { ...initializeRequest, params: {} })
    expect(await outcome(response)).toMatchObject({ status: 200, code: -32602 })
    expect(response.headers.has('mcp-session-id')).toBe(false)
    expect(running.local.sessions()).toBe(before)
  })

  it('initialize for a session that has been is refused', async () =>
    expect(await outcome(await post(url, initializeRequest, session))).toMatchObject({ code: -32600 }))

  it('initialize with a version nobody speaks is answered with our newest', async () => {
    const params = { ...initializeRequest.params, protocolVersion: '2099-01-01' }
    const response = await post(url, { ...initializeRequest, params }, { 'MCP-Protocol-Version': '2099-01-01' })
    expect(await response.json()).toMatchObject({ result: { protocolVersion: '2025-11-25' } })
  })

  it.each([
    ['tools/call', {}, 'name must be a string'],
    ['prompts/get', { name: 5 }, 'name must be a string'],
    ['resources/read', {}, 'uri must be a string'],
    ['completion/complete', { ref: 'x' }, 'ref must be an object'],
    ['logging/setLevel', {}, 'level must be one of debug, '],
    ['logging/setLevel', { level: 'verbose' }, 'level must be one of debug, '],
    ['tools/list', { cursor: 'mine' }, 'cursor is not one of ours'],
  ])('%s with wrong params is told which', async (method, params, message) =>
    expect(await outcome(await post(url, { jsonrpc: '2.0', id: 5, method, params }, session))).toMatchObject({
      status: 200,
      id: 5,
      code: -32602,
      message: expect.stringContaining(message),
    }),
  )

  it('with the id of one under way is refused', async () => {
    const hung = new FakeServer('h').tools('x').on('tools/call', () => new Promise(() => {}))
    running.mcpd.project('hung', { servers: [hung] })
    const headers = await openSession(running.endpoint('hung'))
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'h__x' } }
    const first = post(running.endpoint('hung'), call, headers)
    await vi.waitFor(() => expect(hung.methods()).toContain('tools/call'))
    expect(await outcome(await post(running.endpoint('hung'), call, headers))).toMatchObject({ code: -32600 })
    await fetch(running.endpoint('hung'), {
      method: 'DELETE',
      headers: { Authorization: `Bearer ${BEARER}`, ...headers },
    })
    expect(await outcome(await first)).toMatchObject({ code: -32000, word: 'session-ended' })
  })

  it('that is no HTTP is answered with 400 and the connection ends', async () => {
    const answer = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(running.local.port, '127.0.0.1', () => socket.write('rubbish\r\n\r\n'))
      socket.on('data', (data) => (text += data))
      socket.on('close', () => resolve(text))
    })
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
  })
})
