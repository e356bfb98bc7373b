import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './testing/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
  await api.call('POST', '/api/v1/servers', { body: { metadata: { name: 'a' }, spec: { command: 'node' } } })
})
afterAll(() => api.close())

const restart = (name: string, options: { headers?: Record<string, string>; token?: string } = {}) =>
  api.call('POST', `/api/v1/servers/${name}/restart`, options)

describe('restarting a server', () => {
  it('is an event of the server and leaves its spec at the revision it had', async () => {
    const answer = await restart('a')
    expect(answer.json()).toMatchObject({
      outcome: 'configured',
      events: [{ stream: 'server-a', type: 'ServerRestartRequested' }],
      resource: { metadata: { revision: '0' }, status: { restartedAt: expect.any(String) } },
    })
  })

  it('has one effect for a key that is repeated, and none in a dry run', async () => {
    const headers = { 'idempotency-key': 'restart-1' }
    const [first, again] = [await restart('a', { headers }), await restart('a', { headers })]
    expect(again.json().position).toBe(first.json().position)
    const before = (await api.call('GET', '/api/v1/servers/a')).json().status.restartedAt
    expect((await api.call('POST', '/api/v1/servers/a/restart?dryRun=true')).json().events).toHaveLength(1)
    expect((await api.call('GET', '/api/v1/servers/a')).json().status.restartedAt).toBe(before)
  })

  it('needs a server, a right to change it, and no revision', async () => {
    expect((await restart('nobody')).json()).toMatchObject({ status: 404, code: 'not-found' })
    expect((await restart('a', { token: api.strangerToken })).statusCode).toBe(403)
    expect((await restart('a', { headers: { 'if-match': '"0"' } })).statusCode).toBe(400)
  })
})

it('how far a rollout is can be asked of every server there is', async () => {
  const rollout = { replicas: 1, updated: 0, ready: 0, outdated: 0, done: false, failing: [] }
  expect((await api.call('GET', '/api/v1/servers/a/rollout')).json()).toEqual(rollout)
  expect((await api.call('GET', '/api/v1/servers/nobody/rollout')).statusCode).toBe(404)
})
