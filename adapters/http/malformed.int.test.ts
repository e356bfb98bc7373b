import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './testing/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

describe('a socket', () => {
  const speak = async (text: string): Promise<string> => {
    const { port } = new URL(await api.listen())
    const socket = connect(Number(port), '127.0.0.1')
    socket.setEncoding('utf8')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.write(text)
    await once(socket, 'end') // mcpd ends it
    socket.destroy()
    return answer
  }
  const connections = (): Promise<number> =>
    new Promise((resolve, reject) =>
      api.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    )
  afterEach(() => expect.poll(connections).toBe(0)) // what is left of one would keep mcpd from ending

  it('that speaks no HTTP gets a problem document', async () => {
    const answer = await speak('BREW / HTCPCP/1.0\r\n\r\n')
    expect(answer).toContain('HTTP/1.1 400')
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ code: 'invalid-request', status: 400 })
  })

  it.each([
    ['names no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['takes mcpd for a proxy', 'CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['expects a miracle', 'GET /healthz HTTP/1.1\r\nHost: x\r\nExpect: a-miracle\r\n\r\n', 417],
    ['upgrades what cannot be', 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n', 400],
    [
      'upgrades at a path that cannot be decoded',
      'GET /%zz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      400,
    ],
  ])('that %s gets a problem document', async (_, text, status) => {
    const answer = await speak(text)
    expect(answer).toContain(`HTTP/1.1 ${status} `)
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ status, detail: expect.any(String) })
  })

  it('that is no WebSocket where one is asked for gets a problem document', async () => {
    await api.call('PUT', '/api/v1/projects/linked', { body: { metadata: { name: 'linked' }, spec: {} } })
    const head = 'GET /api/v1/projects/linked/link HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
    const answer = await speak(`${head}Authorization: Bearer ${api.token}\r\n\r\n`)
    expect(answer).toContain('HTTP/1.1 400 ')
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ code: 'invalid-request' })
  })

  it('that asks for an upgrade without a token is answered and ended', async () => {
    const head = 'GET /api/v1/servers HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
    const keys = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
    expect(await speak(head + keys)).toContain('HTTP/1.1 401')
  })
})
