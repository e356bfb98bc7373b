import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './testing/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
  for (const name of ['one', 'two'])
    await api.call('POST', '/api/v1/servers', {
      body: { metadata: { name, labels: { team: 'core' } }, spec: { command: 'node', replicas: 0 } },
    })
})
afterAll(() => api.close())

describe('what instances print and use', () => {
  it('is shown to those who may look, of what there is', async () => {
    for (const url of [
      '/api/v1/servers/one/logs',
      '/api/v1/logs?servers=one,two',
      '/api/v1/logs?labelSelector=team%3Dcore',
    ]) {
      const { statusCode, body } = await api.call('GET', url)
      expect([url, statusCode, body]).toEqual([url, 200, ''])
      expect((await api.call('GET', url, { token: api.strangerToken })).statusCode).toBe(403)
    }
    expect((await api.call('GET', '/api/v1/usage')).json()).toEqual({ items: [] })
    expect((await api.call('GET', '/api/v1/usage', { token: api.strangerToken })).statusCode).toBe(403)
  })

  it('needs names that are names, and of something that is there', async () => {
    const statusOf = async (url: string) => (await api.call('GET', url)).statusCode
    expect(await statusOf('/api/v1/logs?servers=one,three')).toBe(404)
    expect(await statusOf('/api/v1/logs?instances=none')).toBe(404)
    for (const url of ['/api/v1/logs', '/api/v1/logs?servers=', '/api/v1/logs?servers=one,,two', '/api/v1/logs?x=1'])
      expect([url, await statusOf(url)]).toEqual([url, expect.toSatisfy((status) => status === 400 || status === 422)])
  })
})

describe('one MCP request to one instance', () => {
  const probe = (body: object, token?: string) =>
    api.call('POST', '/api/v1/servers/one/probe', { body, ...(token === undefined ? {} : { token }) })

  it('is refused to who may not run the server, before its body is looked at', async () =>
    expect((await probe({}, api.strangerToken)).statusCode).toBe(403))

  it('goes to instances of this server only', async () =>
    expect((await probe({ instance: 'one-1', method: 'ping' })).json()).toMatchObject({ code: 'not-found' }))

  it('is none that would change something for other clients', async () => {
    for (const method of ['logging/setLevel', 'resources/subscribe', 'notifications/cancelled'])
      expect((await probe({ instance: 'one-1', method })).json()).toMatchObject({ code: 'validation-failed' })
    expect((await probe({ instance: 'one-1', method: 'ping', timeoutSeconds: 600 })).statusCode).toBe(422)
  })
})
