import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { HttpDeps } from './deps.ts'
import { startApi, type TestApi } from './testing/api.ts'

// One mcpd that does not run the servers, and what stands for the other one that does.

let api: TestApi
let other: Server
let otherUrl: string
let place: ReturnType<HttpDeps['instancesAt']>
const at = (url: string) => ({ id: 'other', url, ttlMs: 10_000 })
let onRequest: (request: IncomingMessage, body: string, response: ServerResponse) => void
beforeAll(async () => {
  other = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += String(chunk)
    })
    request.on('end', () => onRequest(request, body, response))
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  otherUrl = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
  api = await startApi(undefined, { instancesAt: () => place })
})
afterAll(async () => {
  await api.close()
  other.closeAllConnections()
  await new Promise((resolve) => other.close(resolve))
})
beforeEach(() => {
  place = at(otherUrl)
})

const call = { instance: 'one-1', method: 'tools/call', params: { name: 'x', arguments: { a: [1] } } }
const probe = (headers: Record<string, string> = {}) =>
  api.call('POST', '/api/v1/servers/one/probe', { body: call, headers })

describe('a request about instances that another mcpd runs', () => {
  it('is passed on whole, with the bearer of who asks, and its answer comes back', async () => {
    let passedOn: unknown
    onRequest = ({ method, url, headers }, body, response) => {
      passedOn = { by: method, to: url, authorization: headers.authorization, ...JSON.parse(body) }
      response.writeHead(418, { 'content-type': 'application/json' }).end('{"said":"there"}')
    }
    const { statusCode, body } = await probe()
    expect([statusCode, body]).toEqual([418, '{"said":"there"}'])
    const authorization = `Bearer ${api.token}`
    expect(passedOn).toEqual({
      by: 'POST',
      to: '/api/v1/servers/one/probe',
      authorization,
      ...call,
      timeoutSeconds: 30,
    })
  })

  it('may be repeated when nobody was reached', async () => {
    const closed = createServer()
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
    place = at(`http://127.0.0.1:${(closed.address() as AddressInfo).port}`)
    await new Promise((resolve) => closed.close(resolve))
    const answer = await probe()
    expect(answer.json()).toMatchObject({ status: 503, code: 'instances-elsewhere' })
    expect(answer.headers['retry-after']).toBe('5')
  })

  it('is not repeated when it was taken and not answered: a call may have been made; a read may be', async () => {
    onRequest = (_request, _body, response) => response.destroy()
    const answer = await probe()
    expect(answer.json()).toMatchObject({ status: 502, code: 'relay-broken' })
    expect(answer.headers['retry-after']).toBeUndefined()
    expect((await api.call('GET', '/api/v1/usage')).json()).toMatchObject({ code: 'instances-elsewhere' })
  })

  it('is passed on once', async () => {
    expect((await probe({ 'x-mcpctl-relayed': '1' })).json()).toMatchObject({ code: 'instances-elsewhere' })
    place = 'nowhere'
    expect((await probe()).json()).toMatchObject({ code: 'instances-elsewhere' })
  })
})
