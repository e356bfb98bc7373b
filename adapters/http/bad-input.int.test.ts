import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './testing/api.ts'

let api: TestApi
beforeAll(async () => {
  api = await startApi()
})
afterAll(() => api.close())

const server = (description: string) => ({ metadata: { name: 'described' }, spec: { command: 'node', description } })

describe('a request without the right', () => {
  it.each([
    ['no token', ''],
    ['a token of the wrong form', 'Bearer nonsense'],
    ['a token that was never made', `Bearer mcpctl_at_${'A'.repeat(43)}`],
    ['another scheme', 'Basic YTpi'],
  ])('with %s is 401', async (_, authorization) => {
    const answer = await api.app.inject({ url: '/api/v1/servers', headers: { authorization } })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toContain('Bearer')
    expect(answer.json()).toMatchObject({ code: 'unauthenticated', hint: expect.any(String) })
  })

  it('is 403 for somebody who is known but is not the administrator', async () => {
    const answer = await api.call('GET', '/api/v1/servers', { token: api.strangerToken })
    expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' })
  })

  it('is refused before its body is read', async () => {
    const answer = await api.app.inject({
      method: 'POST',
      url: '/api/v1/servers',
      payload: '{broken',
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.statusCode).toBe(401)
  })
})

describe('bad input', () => {
  it.each([
    ['malformed JSON', 'POST', '/api/v1/servers', '{broken', 400, 'invalid-request'],
    ['a body that is no object', 'POST', '/api/v1/servers', '[]', 422, 'validation-failed'],
    ['a prototype in JSON', 'POST', '/api/v1/servers', '{"__proto__":{}}', 400, 'invalid-request'],
    ['an empty body', 'POST', '/api/v1/servers', '', 400, 'invalid-request'],
    ['a name that is a path', 'GET', '/api/v1/servers/..%2F..%2Fetc', undefined, 400, 'invalid-request'],
    ['a name that is __proto__', 'GET', '/api/v1/servers/__proto__', undefined, 400, 'invalid-request'],
    ['a name of 10,000 characters', 'GET', `/api/v1/servers/${'a'.repeat(10_000)}`, undefined, 400, 'invalid-request'],
    ['a path that cannot be decoded', 'GET', '/api/v1/servers/%ff', undefined, 400, 'invalid-request'],
    ['a path that is a pattern of paths', 'GET', '/api/v1/:x(', undefined, 404, 'route-not-found'],
    ['a path that is a wildcard', 'GET', '*#', undefined, 404, 'route-not-found'],
    ['a body nested too deep', 'POST', '/api/v1/servers', `{"status":${'['.repeat(500_000)}`, 400, 'invalid-request'],
    [
      'a place beyond the end of the log',
      'GET',
      '/api/v1/servers?minPosition=99999',
      undefined,
      400,
      'invalid-request',
    ],
    ['a dry run of what has none', 'POST', '/api/v1/admin/rebuild?dryRun=true', undefined, 400, 'invalid-request'],
    ['a link that is asked for like any page', 'GET', '/api/v1/projects/a/link', undefined, 426, 'upgrade-required'],
    ['a path that is not there', 'GET', '/api/v1/nothing', undefined, 404, 'route-not-found'],
    ['a method that is not there', 'PATCH', '/api/v1/servers/a', '{}', 405, 'method-not-allowed'],
    ['a limit that is no number', 'GET', '/api/v1/servers?limit=many', undefined, 400, 'invalid-request'],
    ['a limit of nothing', 'GET', '/api/v1/servers?limit=0', undefined, 400, 'invalid-request'],
    ['an unknown query', 'GET', '/api/v1/servers?colour=red', undefined, 400, 'invalid-request'],
    ['a query that stands twice', 'GET', '/api/v1/servers?limit=1&limit=2', undefined, 400, 'invalid-request'],
    ['a cursor that was never given', 'GET', '/api/v1/servers?cursor=abc', undefined, 400, 'invalid-cursor'],
    [
      'a selector that cannot be read',
      'GET',
      '/api/v1/servers?labelSelector=a%20in',
      undefined,
      400,
      'invalid-selector',
    ],
    ['a resource that is not there', 'GET', '/api/v1/servers/none', undefined, 404, 'not-found'],
  ] as const)('%s gets a coded problem', async (_, method, url, payload, status, code) => {
    const headers = {
      authorization: `Bearer ${api.token}`,
      ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const answer = await api.app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json()).toMatchObject({ status, code, requestId: expect.any(String) })
    expect(answer.statusCode).toBe(status)
  })

  it.each([
    ['in a path', 'GET', '/api/v1/SECRET', undefined],
    ['in a path with another method', 'PATCH', '/api/v1/secrets/SECRET', {}],
    ['in a path that cannot be decoded', 'GET', '/api/v1/servers/SECRET%ff', undefined],
    ['in a path that is too long', 'GET', `/api/v1/servers/${'SECRET'.repeat(30)}`, undefined],
    ['as a query', 'GET', '/api/v1/servers?SECRET=1', undefined],
    ['in a selector', 'GET', '/api/v1/servers?labelSelector=SECRET%20x', undefined],
    ['as a field', 'POST', '/api/v1/secrets', { metadata: { name: 'a' }, spec: { SECRET: 1 } }],
    ['as a key', 'POST', '/api/v1/secrets', { metadata: { name: 'a' }, spec: { data: { 'SECRET!': '' } } }],
    ['in place of an object', 'POST', '/api/v1/secrets', { metadata: { name: 'a' }, spec: { data: 'SECRET' } }],
  ] as const)('does not repeat what may be a secret: %s', async (_, method, url, body) => {
    const secret = 'ghp_16C7e42F292c6912E7710c838347Ae178B4a'
    const payload = body === undefined ? {} : { body: JSON.parse(JSON.stringify(body).replaceAll('SECRET', secret)) }
    const answer = await api.call(method, url.replaceAll('SECRET', secret), payload)
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.body).not.toContain(secret.slice(0, 6))
  })

  it('names every wrong field by its path', async () => {
    const body = { metadata: { name: 'Wrong_Name' }, spec: { command: 'x', env: [{ name: '1A' }], colour: 'red' } }
    const { fields } = (await api.call('POST', '/api/v1/servers', { body })).json()
    expect(fields.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['metadata.name', 'spec.env.0.name', 'spec.colour']),
    )
  })

  it('with half a surrogate pair in a text is refused with the path', async () => {
    const body = '{"metadata":{"name":"half"},"spec":{"command":"x","args":["ok","\\ud800"]}}'
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
    const answer = await api.app.inject({ method: 'POST', url: '/api/v1/servers', payload: body, headers })
    expect(answer.json()).toMatchObject({ status: 422, fields: [{ path: 'spec.args.1' }] })
  })

  it('over 1 MiB is 413', async () => {
    const answer = await api.call('POST', '/api/v1/servers', { body: server('x'.repeat(1_100_000)) })
    expect(answer.json()).toMatchObject({ status: 413, code: 'body-too-large' })
  })

  it.each(['application/yaml', 'text/plain'])('that is %s is 415', async (type) => {
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': type }
    const answer = await api.app.inject({ method: 'POST', url: '/api/v1/servers', payload: 'a: 1', headers })
    expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported-media-type' })
  })

  it('that is not UTF-8 is refused, and not kept as something else', async () => {
    const text = JSON.stringify(server('é'))
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
    const payload = Buffer.from(text, 'latin1')
    const answer = await api.app.inject({ method: 'POST', url: '/api/v1/servers', payload, headers })
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid-request', detail: 'the body is not UTF-8' })
  })

  it('for a kind that is made by mcpd alone has no route', async () => {
    expect((await api.call('POST', '/api/v1/instances', { body: {} })).statusCode).toBe(405)
  })
})
