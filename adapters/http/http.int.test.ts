import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './testing/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

const server = (name: string, spec: object = {}, labels: object = {}) => ({
  metadata: { name, labels },
  spec: { command: 'node', ...spec },
})

describe('a resource', () => {
  it('is created, read back at once, changed and deleted', async () => {
    const created = await api.call('POST', '/api/v1/servers', { body: server('one') })
    expect(created.statusCode).toBe(201)
    expect(created.headers).toMatchObject({ location: '/api/v1/servers/one', etag: '"0"' })
    const read = await api.call('GET', '/api/v1/servers/one')
    expect(read.json()).toMatchObject({
      kind: 'server',
      metadata: { name: 'one' },
      spec: { replicas: 1, transport: 'STDIO' },
    })
    const changed = await api.call('PUT', '/api/v1/servers/one', { body: server('one', { replicas: 0 }) })
    expect(changed.json()).toMatchObject({ outcome: 'configured', resource: { spec: { replicas: 0 } } })
    const again = await api.call('PUT', '/api/v1/servers/one', { body: server('one', { replicas: 0 }) })
    expect(again.json()).toMatchObject({ outcome: 'unchanged', events: [] })
    expect((await api.call('DELETE', '/api/v1/servers/one')).json()).toMatchObject({ outcome: 'deleted' })
    expect((await api.call('GET', '/api/v1/servers/one')).statusCode).toBe(404)
  })

  it('is not created twice', async () => {
    await api.call('POST', '/api/v1/servers', { body: server('twice') })
    expect((await api.call('POST', '/api/v1/servers', { body: server('twice') })).json()).toMatchObject({
      status: 409,
      code: 'already-exists',
    })
  })

  it('is not changed at a revision that is stale', async () => {
    await api.call('PUT', '/api/v1/servers/matched', { body: server('matched') })
    const body = server('matched', { replicas: 3 })
    expect(
      (await api.call('PUT', '/api/v1/servers/matched', { body, headers: { 'if-match': '"0"' } })).statusCode,
    ).toBe(200)
    const stale = await api.call('PUT', '/api/v1/servers/matched', {
      body: server('matched', { replicas: 4 }),
      headers: { 'if-match': '"0"' },
    })
    expect(stale.json()).toMatchObject({ status: 412, code: 'stale-revision' })
  })

  it('is created once by a request that is repeated with its key, and the key is refused for another body', async () => {
    const headers = { 'idempotency-key': 'key-1' }
    const first = await api.call('POST', '/api/v1/servers', { body: server('keyed'), headers })
    const again = await api.call('POST', '/api/v1/servers', { body: server('keyed'), headers })
    expect(again.statusCode).toBe(201)
    expect(again.json().position).toBe(first.json().position)
    const other = await api.call('POST', '/api/v1/servers', { body: server('keyed', { replicas: 2 }), headers })
    expect(other.json()).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
  })

  it('is shown by a dry run with the exact events, and is not there after it', async () => {
    const dry = await api.call('POST', '/api/v1/servers?dryRun=true', { body: server('planned') })
    expect(dry.json()).toMatchObject({
      outcome: 'created',
      events: [{ stream: 'server-planned', type: 'ServerDeclared', data: { spec: { command: 'node' } } }],
      resource: { metadata: { name: 'planned' } },
    })
    expect((await api.call('GET', '/api/v1/servers/planned')).statusCode).toBe(404)
  })

  it('takes back what was read, and finds it unchanged', async () => {
    await api.call('PUT', '/api/v1/servers/round', { body: server('round', {}, { team: 'a' }) })
    const read = (await api.call('GET', '/api/v1/servers/round')).json()
    expect((await api.call('PUT', '/api/v1/servers/round', { body: read })).json().outcome).toBe('unchanged')
  })

  it('has its history and its events, newest first', async () => {
    await api.call('PUT', '/api/v1/servers/past', { body: server('past') })
    await api.call('PUT', '/api/v1/servers/past', { body: server('past', { replicas: 2 }) })
    const history = (await api.call('GET', '/api/v1/servers/past/history')).json()
    expect(history.items.map((each: { revision: string }) => each.revision)).toEqual(['1', '0'])
    const events = (await api.call('GET', '/api/v1/servers/past/events?limit=1')).json()
    expect(events.items).toMatchObject([{ type: 'ServerDeclared', revision: '1', actor: { name: 'admin' } }])
  })
})

describe('a list', () => {
  it('comes in pages, filtered by labels, as of one position', async () => {
    for (const name of ['p1', 'p2', 'p3'])
      await api.call('PUT', `/api/v1/projects/${name}`, {
        body: { metadata: { name, labels: { page: 'yes' } }, spec: {} },
      })
    const first = (await api.call('GET', '/api/v1/projects?labelSelector=page%3Dyes&limit=2')).json()
    expect(first.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(['p1', 'p2'])
    expect(first.asOf).toMatch(/^\d+$/)
    const second = (
      await api.call('GET', `/api/v1/projects?labelSelector=page%3Dyes&limit=2&cursor=${first.nextCursor}`)
    ).json()
    expect(second.items).toHaveLength(1)
    expect(second.nextCursor).toBeUndefined()
  })

  it('waits for a change when it is asked to', async () => {
    const { asOf } = (await api.call('GET', '/api/v1/projects')).json()
    const waiting = api.call('GET', `/api/v1/projects?changedAfter=${asOf}&timeoutSeconds=20`)
    await api.call('PUT', '/api/v1/projects/awaited', { body: { metadata: { name: 'awaited' }, spec: {} } })
    const names = (await waiting).json().items.map((each: { metadata: { name: string } }) => each.metadata.name)
    expect(names).toContain('awaited')
  })
})

describe('a secret', () => {
  it('is never shown: not in answers, not in events, not in lists', async () => {
    const body = { metadata: { name: 'hidden' }, spec: { data: { KEY: 'canary-5c1f' } } }
    const answers = [
      await api.call('PUT', '/api/v1/secrets/hidden', { body }),
      await api.call('GET', '/api/v1/secrets/hidden'),
      await api.call('GET', '/api/v1/secrets/hidden/events'),
      await api.call('GET', '/api/v1/secrets/hidden/history'),
      await api.call('GET', '/api/v1/secrets'),
    ]
    for (const answer of answers) {
      expect(answer.statusCode).toBeLessThan(300)
      expect(answer.body).not.toContain('canary-5c1f')
      expect(answer.body).not.toContain('ciphertext')
    }
    expect(answers[1]?.json().spec.data).toEqual({ KEY: null })
    expect((await api.call('GET', '/api/v1/secrets/hidden/values')).json()).toEqual({ values: { KEY: 'canary-5c1f' } })
  })

  it('that is sent back as it was read is unchanged; a null without a value is refused', async () => {
    const read = (await api.call('GET', '/api/v1/secrets/hidden')).json()
    expect((await api.call('PUT', '/api/v1/secrets/hidden', { body: read })).json().outcome).toBe('unchanged')
    const body = { metadata: { name: 'fresh' }, spec: { data: { KEY: null } } }
    expect((await api.call('PUT', '/api/v1/secrets/fresh', { body })).json()).toMatchObject({
      status: 422,
      fields: [{ path: 'spec.data.KEY' }],
    })
  })
})

describe('the system', () => {
  it('says that it is alive and ready without a token', async () => {
    expect((await api.app.inject('/healthz')).json()).toEqual({ status: 'ok' })
    const ready = await api.app.inject('/readyz')
    expect(ready.json()).toMatchObject({
      status: 'ready',
      checks: { log: { ok: true }, readModels: [{ state: 'live' }] },
    })
    expect((await api.app.inject('/metrics')).body).toContain('mcpd_read_model_up')
  })

  it('has an OpenAPI 3.1 document in which every kind is, the made-up one too', async () => {
    const document = (await api.app.inject('/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    for (const plural of ['servers', 'secrets', 'projects', 'teams'])
      expect(Object.keys(document.paths)).toContain(`/api/v1/${plural}/{name}`)
    const declare = document.paths['/api/v1/teams'].post.requestBody.content['application/json'].schema
    expect(JSON.stringify(declare)).toContain('members')
    expect(document.paths['/healthz'].get.security).toEqual([])
    expect(document.paths['/api/v1/teams'].get.responses.default.content).toHaveProperty('application/problem+json')
    expect(document.components.schemas.Problem.required).toContain('code')
  })

  it('serves a made-up kind like any other', async () => {
    const body = { metadata: { name: 'core' }, spec: { members: ['ada'], backend: 'default' } }
    expect((await api.call('POST', '/api/v1/teams', { body })).statusCode).toBe(201)
    expect((await api.call('GET', '/api/v1/teams/core')).json()).toMatchObject({ spec: { members: ['ada'] } })
    expect((await api.call('DELETE', '/api/v1/secretbackends/default')).json()).toMatchObject({ code: 'in-use' })
  })
})
