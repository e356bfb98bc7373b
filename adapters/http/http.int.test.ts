import { once } from 'node:events'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startApi, type TestApi } from './testing/api.ts'

let api: TestApi
let app: FastifyInstance
beforeAll(async () => {
  api = await startApi()
  app = api.app
})
afterAll(() => api.close())

const call = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH',
  url: string,
  options: { body?: unknown; headers?: Record<string, string>; token?: string } = {},
) =>
  app.inject({
    method,
    url,
    headers: { authorization: `Bearer ${options.token ?? api.token}`, ...options.headers },
    ...(options.body === undefined ? {} : { payload: options.body as object }),
  })
const server = (name: string, spec: object = {}, labels: object = {}) => ({
  metadata: { name, labels },
  spec: { command: 'node', ...spec },
})

describe('a request without the right', () => {
  it.each([
    ['no token', ''],
    ['a token of the wrong form', 'Bearer nonsense'],
    ['a token that was never made', `Bearer mcpctl_at_${'A'.repeat(43)}`],
    ['another scheme', 'Basic YTpi'],
  ])('with %s is 401', async (_, authorization) => {
    const answer = await app.inject({ url: '/api/v1/servers', headers: { authorization } })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toContain('Bearer')
    expect(answer.json()).toMatchObject({ code: 'unauthenticated', hint: expect.any(String) })
  })

  it('is 403 for somebody who is known but is not the administrator', async () => {
    const answer = await call('GET', '/api/v1/servers', { token: api.strangerToken })
    expect(answer.json()).toMatchObject({ status: 403, code: 'forbidden' })
  })

  it('is refused before its body is read', async () => {
    const answer = await app.inject({
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
    const answer = await app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
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
    const answer = await call(method, url.replaceAll('SECRET', secret), payload)
    expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    expect(answer.body).not.toContain(secret.slice(0, 6))
  })

  it('names every wrong field by its path', async () => {
    const body = { metadata: { name: 'Wrong_Name' }, spec: { command: 'x', env: [{ name: '1A' }], colour: 'red' } }
    const { fields } = (await call('POST', '/api/v1/servers', { body })).json()
    expect(fields.map(({ path }: { path: string }) => path)).toEqual(
      expect.arrayContaining(['metadata.name', 'spec.env.0.name', 'spec.colour']),
    )
  })

  it('with half a surrogate pair in a text is refused with the path', async () => {
    const body = '{"metadata":{"name":"half"},"spec":{"command":"x","args":["ok","\\ud800"]}}'
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
    const answer = await app.inject({ method: 'POST', url: '/api/v1/servers', payload: body, headers })
    expect(answer.json()).toMatchObject({ status: 422, fields: [{ path: 'spec.args.1' }] })
  })

  it('over 1 MiB is 413', async () => {
    const answer = await call('POST', '/api/v1/servers', { body: server('a', { description: 'x'.repeat(1_100_000) }) })
    expect(answer.json()).toMatchObject({ status: 413, code: 'body-too-large' })
  })

  it.each(['application/yaml', 'text/plain'])('that is %s is 415', async (type) => {
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': type }
    const answer = await app.inject({ method: 'POST', url: '/api/v1/servers', payload: 'a: 1', headers })
    expect(answer.json()).toMatchObject({ status: 415, code: 'unsupported-media-type' })
  })

  it('that is not UTF-8 is refused, and not kept as something else', async () => {
    const text = JSON.stringify(server('no-utf-8', { description: 'é' }))
    const headers = { authorization: `Bearer ${api.token}`, 'content-type': 'application/json' }
    const payload = Buffer.from(text, 'latin1')
    const answer = await app.inject({ method: 'POST', url: '/api/v1/servers', payload, headers })
    expect(answer.json()).toMatchObject({ status: 400, code: 'invalid-request', detail: 'the body is not UTF-8' })
  })

  it('for a kind that is made by mcpd alone has no route', async () => {
    expect((await call('POST', '/api/v1/instances', { body: {} })).statusCode).toBe(405)
  })
})

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
      app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
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
    await call('PUT', '/api/v1/projects/linked', { body: { metadata: { name: 'linked' }, spec: {} } })
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

describe('a resource', () => {
  it('is created, read back at once, changed and deleted', async () => {
    const created = await call('POST', '/api/v1/servers', { body: server('one') })
    expect(created.statusCode).toBe(201)
    expect(created.headers).toMatchObject({ location: '/api/v1/servers/one', etag: '"0"' })
    const read = await call('GET', '/api/v1/servers/one')
    expect(read.json()).toMatchObject({
      kind: 'server',
      metadata: { name: 'one' },
      spec: { replicas: 1, transport: 'STDIO' },
    })
    const changed = await call('PUT', '/api/v1/servers/one', { body: server('one', { replicas: 0 }) })
    expect(changed.json()).toMatchObject({ outcome: 'configured', resource: { spec: { replicas: 0 } } })
    const again = await call('PUT', '/api/v1/servers/one', { body: server('one', { replicas: 0 }) })
    expect(again.json()).toMatchObject({ outcome: 'unchanged', events: [] })
    expect((await call('DELETE', '/api/v1/servers/one')).json()).toMatchObject({ outcome: 'deleted' })
    expect((await call('GET', '/api/v1/servers/one')).statusCode).toBe(404)
  })

  it('is not created twice', async () => {
    await call('POST', '/api/v1/servers', { body: server('twice') })
    expect((await call('POST', '/api/v1/servers', { body: server('twice') })).json()).toMatchObject({
      status: 409,
      code: 'already-exists',
    })
  })

  it('is not changed at a revision that is stale', async () => {
    await call('PUT', '/api/v1/servers/matched', { body: server('matched') })
    const body = server('matched', { replicas: 3 })
    expect((await call('PUT', '/api/v1/servers/matched', { body, headers: { 'if-match': '"0"' } })).statusCode).toBe(
      200,
    )
    const stale = await call('PUT', '/api/v1/servers/matched', {
      body: server('matched', { replicas: 4 }),
      headers: { 'if-match': '"0"' },
    })
    expect(stale.json()).toMatchObject({ status: 412, code: 'stale-revision' })
  })

  it('is created once by a request that is repeated with its key, and the key is refused for another body', async () => {
    const headers = { 'idempotency-key': 'key-1' }
    const first = await call('POST', '/api/v1/servers', { body: server('keyed'), headers })
    const again = await call('POST', '/api/v1/servers', { body: server('keyed'), headers })
    expect(again.statusCode).toBe(201)
    expect(again.json().position).toBe(first.json().position)
    const other = await call('POST', '/api/v1/servers', { body: server('keyed', { replicas: 2 }), headers })
    expect(other.json()).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
  })

  it('is shown by a dry run with the exact events, and is not there after it', async () => {
    const dry = await call('POST', '/api/v1/servers?dryRun=true', { body: server('planned') })
    expect(dry.json()).toMatchObject({
      outcome: 'created',
      events: [{ stream: 'server-planned', type: 'ServerDeclared', data: { spec: { command: 'node' } } }],
      resource: { metadata: { name: 'planned' } },
    })
    expect((await call('GET', '/api/v1/servers/planned')).statusCode).toBe(404)
  })

  it('takes back what was read, and finds it unchanged', async () => {
    await call('PUT', '/api/v1/servers/round', { body: server('round', {}, { team: 'a' }) })
    const read = (await call('GET', '/api/v1/servers/round')).json()
    expect((await call('PUT', '/api/v1/servers/round', { body: read })).json().outcome).toBe('unchanged')
  })

  it('has its history and its events, newest first', async () => {
    await call('PUT', '/api/v1/servers/past', { body: server('past') })
    await call('PUT', '/api/v1/servers/past', { body: server('past', { replicas: 2 }) })
    const history = (await call('GET', '/api/v1/servers/past/history')).json()
    expect(history.items.map((each: { revision: string }) => each.revision)).toEqual(['1', '0'])
    const events = (await call('GET', '/api/v1/servers/past/events?limit=1')).json()
    expect(events.items).toMatchObject([{ type: 'ServerDeclared', revision: '1', actor: { name: 'admin' } }])
  })
})

describe('a list', () => {
  it('comes in pages, filtered by labels, as of one position', async () => {
    for (const name of ['p1', 'p2', 'p3'])
      await call('PUT', `/api/v1/projects/${name}`, { body: { metadata: { name, labels: { page: 'yes' } }, spec: {} } })
    const first = (await call('GET', '/api/v1/projects?labelSelector=page%3Dyes&limit=2')).json()
    expect(first.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual(['p1', 'p2'])
    expect(first.asOf).toMatch(/^\d+$/)
    const second = (
      await call('GET', `/api/v1/projects?labelSelector=page%3Dyes&limit=2&cursor=${first.nextCursor}`)
    ).json()
    expect(second.items).toHaveLength(1)
    expect(second.nextCursor).toBeUndefined()
  })

  it('waits for a change when it is asked to', async () => {
    const { asOf } = (await call('GET', '/api/v1/projects')).json()
    const waiting = call('GET', `/api/v1/projects?changedAfter=${asOf}&timeoutSeconds=20`)
    await call('PUT', '/api/v1/projects/awaited', { body: { metadata: { name: 'awaited' }, spec: {} } })
    const names = (await waiting).json().items.map((each: { metadata: { name: string } }) => each.metadata.name)
    expect(names).toContain('awaited')
  })
})

describe('a secret', () => {
  it('is never shown: not in answers, not in events, not in lists', async () => {
    const body = { metadata: { name: 'hidden' }, spec: { data: { KEY: 'canary-5c1f' } } }
    const answers = [
      await call('PUT', '/api/v1/secrets/hidden', { body }),
      await call('GET', '/api/v1/secrets/hidden'),
      await call('GET', '/api/v1/secrets/hidden/events'),
      await call('GET', '/api/v1/secrets/hidden/history'),
      await call('GET', '/api/v1/secrets'),
    ]
    for (const answer of answers) {
      expect(answer.statusCode).toBeLessThan(300)
      expect(answer.body).not.toContain('canary-5c1f')
      expect(answer.body).not.toContain('ciphertext')
    }
    expect(answers[1]?.json().spec.data).toEqual({ KEY: null })
    expect((await call('GET', '/api/v1/secrets/hidden/values')).json()).toEqual({ values: { KEY: 'canary-5c1f' } })
  })

  it('that is sent back as it was read is unchanged; a null without a value is refused', async () => {
    const read = (await call('GET', '/api/v1/secrets/hidden')).json()
    expect((await call('PUT', '/api/v1/secrets/hidden', { body: read })).json().outcome).toBe('unchanged')
    const body = { metadata: { name: 'fresh' }, spec: { data: { KEY: null } } }
    expect((await call('PUT', '/api/v1/secrets/fresh', { body })).json()).toMatchObject({
      status: 422,
      fields: [{ path: 'spec.data.KEY' }],
    })
  })
})

describe('the system', () => {
  it('says that it is alive and ready without a token', async () => {
    expect((await app.inject('/healthz')).json()).toEqual({ status: 'ok' })
    const ready = await app.inject('/readyz')
    expect(ready.json()).toMatchObject({
      status: 'ready',
      checks: { log: { ok: true }, readModels: [{ state: 'live' }] },
    })
    expect((await app.inject('/metrics')).body).toContain('mcpd_read_model_up')
  })

  it('has an OpenAPI 3.1 document in which every kind is, the made-up one too', async () => {
    const document = (await app.inject('/openapi.json')).json()
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
    expect((await call('POST', '/api/v1/teams', { body })).statusCode).toBe(201)
    expect((await call('GET', '/api/v1/teams/core')).json()).toMatchObject({ spec: { members: ['ada'] } })
    expect((await call('DELETE', '/api/v1/secretbackends/default')).json()).toMatchObject({ code: 'in-use' })
  })
})
