import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CodedError } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import { labels, resourceName } from '../../domain/kernel/name.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { type Resource, toResource } from '../../domain/kernel/resource.ts'
import { FakeStore, shown } from './fake-store.ts'

export const TOKEN = 'mcpctl_test-token'

interface Answer {
  readonly status?: number
  readonly body?: unknown
  /** Written one a line instead of `body`; the connection stays open while `open` says so. */
  readonly lines?: readonly object[]
  readonly headers?: Record<string, string>
}

/**
 * mcpd's HTTP API as mcpctl knows it, over real HTTP on a port of its own: so the real client is tested. Resources are kept by the
 * domain's deciders; everything else answers what a test has put there.
 */
export class FakeMcpd {
  readonly store = new FakeStore()
  readonly requests: {
    readonly method: string
    readonly path: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }[] = []
  /** Called before every request; what it answers is sent instead. */
  intercept: (request: { readonly method: string; readonly path: string }) => Answer | undefined = () => undefined
  logLines: readonly object[] = []
  /** Answers one MCP request to an instance. */
  probe: (request: { readonly instance: string; readonly method: string; readonly params?: JsonObject }) => object =
    () => ({})
  usage: readonly { readonly server: string }[] = []
  status: JsonObject = {}
  /** Set by `start`, and still known after `stop`. */
  url = ''
  /** Reads that still show a resource after it was deleted. */
  lingering = 0
  readonly #registry: Registry
  readonly #server: Server
  readonly #deleted = new Map<string, Resource>()

  constructor(registry: Registry) {
    this.#registry = registry
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => send(response, problem(error)))
    })
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this.url
  }

  async stop(): Promise<void> {
    this.store.wake()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mcpd')
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const method = request.method ?? 'GET'
    this.requests.push({ method, path: `${url.pathname}${url.search}`, headers: request.headers, body })
    send(response, this.intercept({ method, path: url.pathname }) ?? (await this.#route(method, url, request, body)))
  }

  async #route(method: string, url: URL, request: IncomingMessage, body: string): Promise<Answer> {
    if (url.pathname === '/api/v1/version') return { body: { version: '9.9.9', api: 'v1', node: 'v20.0.0' } }
    if (request.headers.authorization !== `Bearer ${TOKEN}`)
      throw new CodedError('unauthenticated', 401, 'the bearer token is not known')
    const [, , , plural = '', name, below] = url.pathname.split('/').map(decodeURIComponent)
    if (plural === 'status') return { body: this.status }
    if (plural === 'logs') {
      for (const [key, kind] of [
        ['servers', 'server'],
        ['instances', 'instance'],
      ] as const)
        for (const each of url.searchParams.get(key)?.split(',') ?? []) this.store.row(kind, each)
      return { lines: this.logLines }
    }
    if (plural === 'usage') {
      const server = url.searchParams.get('server')
      return { body: { items: this.usage.filter((each) => server === null || each.server === server) } }
    }
    if (plural === 'auth')
      return { body: { principal: { kind: 'User', name: 'admin' }, tokenSha: '0123456789ab', rights: ['*'] } }
    if (plural === 'admin' && name === 'rebuild') return { status: 202, body: { generation: 2 } }
    if (plural === 'admin') return { body: { from: 'k1', to: 'k2', rewrapped: 3 } }
    const kind = this.#registry.kinds.find((each) => each.plural === plural)
    if (kind === undefined) throw new CodedError('route-not-found', 404, `there is nothing at ${url.pathname}`)
    if (method === 'GET') return await this.#read(kind, name, below, url.searchParams)
    return this.#write(
      method,
      kind,
      name,
      below,
      { dryRun: url.searchParams.get('dryRun') === 'true', ifMatch: request.headers['if-match'] },
      body,
    )
  }

  async #read(
    kind: KindDefinition,
    name: string | undefined,
    below: string | undefined,
    query: URLSearchParams,
  ): Promise<Answer> {
    if (name === undefined) return await this.#list(kind, query)
    if (below === 'values')
      return { body: { values: this.store.secretValues.get(this.store.row(kind.kind, name).name) } }
    const limit = Number(query.get('limit') ?? 50)
    const newest = [...this.store.stream(kind.kind, name)].reverse().slice(0, limit)
    if (below === 'events') return { body: { items: newest.map(shown) } }
    if (below === 'history') {
      if (newest.length === 0) this.store.row(kind.kind, name)
      const items = newest.map((event) => {
        const spec = event.data.spec as JsonObject | undefined
        return {
          ...shown(event),
          spec: spec === undefined ? null : kind.present(spec),
          labels: event.data.labels ?? null,
          data: undefined,
        }
      })
      return { body: { items, asOf: String(this.store.head) } }
    }
    const gone = this.#deleted.get(`${kind.kind}/${name}`)
    if (gone !== undefined && this.lingering > 0) {
      this.lingering -= 1
      return { body: gone }
    }
    const row = this.store.row(kind.kind, name)
    return { body: toResource(row), headers: { etag: `"${row.revision}"` } }
  }

  async #list(kind: KindDefinition, query: URLSearchParams): Promise<Answer> {
    const after = query.get('changedAfter')
    if (after !== null)
      await this.store.changedAfter(kind.kind, BigInt(after), Number(query.get('timeoutSeconds')) * 1000)
    const limit = Number(query.get('limit') ?? 500)
    const start = Number(query.get('cursor') ?? 0)
    const wanted = (query.get('labelSelector') ?? '')
      .split(',')
      .filter(Boolean)
      .map((each) => each.split('='))
    const all = this.store
      .rows(kind.kind)
      .filter((row) => wanted.every(([key = '', value]) => row.labels[key] === value))
      .filter((row) => query.get('server') === null || row.spec.server === query.get('server'))
    const next = start + limit
    return {
      body: {
        kind: `${kind.kind}List`,
        items: all.slice(start, next).map(toResource),
        asOf: String(this.store.head),
        ...(next < all.length ? { nextCursor: String(next) } : {}),
      },
    }
  }

  #write(
    method: string,
    kind: KindDefinition,
    name: string | undefined,
    below: string | undefined,
    options: { readonly dryRun: boolean; readonly ifMatch: string | undefined },
    body: string,
  ): Answer {
    const ifMatch = options.ifMatch?.replaceAll('"', '')
    if (below === 'probe') return { body: this.probe(JSON.parse(body)) }
    if (below === 'default') return { body: { outcome: 'configured', events: [] } }
    if (method === 'DELETE' && name !== undefined) {
      const before = toResource(this.store.row(kind.kind, name))
      const answer = this.store.delete(kind, name, { dryRun: options.dryRun, ifMatch })
      this.#deleted.set(`${kind.kind}/${name}`, before)
      return { body: answer }
    }
    const manifest = parsedManifest(kind, body)
    const mode = method === 'POST' ? 'create' : 'apply'
    const answer = this.store.declare(kind, { ...manifest, mode, dryRun: options.dryRun, ifMatch })
    return { status: answer.outcome === 'created' ? 201 : 200, body: answer }
  }
}

const parsedManifest = (kind: KindDefinition, body: string) => {
  const { metadata, spec } = JSON.parse(body) as {
    metadata: { name: string; labels?: Record<string, string> }
    spec: unknown
  }
  const parsed = kind.spec.safeParse(spec)
  if (!parsed.success)
    throw new CodedError('validation-failed', 422, 'wrong', {
      fields: parsed.error.issues.map(({ path, message }) => ({ path: ['spec', ...path].join('.'), message })),
    })
  return {
    name: resourceName.parse(metadata.name),
    labels: labels.parse(metadata.labels ?? {}),
    spec: parsed.data as JsonObject,
  }
}

const problem = (error: unknown): Answer => {
  if (!(error instanceof CodedError)) return { status: 500, body: { code: 'internal', detail: String(error) } }
  const { hint, fields, ...extras } = error.details
  return {
    status: error.status,
    body: { code: error.code, detail: error.message, status: error.status, hint, fields, ...extras },
  }
}

const send = (response: ServerResponse, { status = 200, body, lines, headers = {} }: Answer): void => {
  response.writeHead(status, {
    'content-type': status >= 400 ? 'application/problem+json' : 'application/json',
    ...headers,
  })
  if (lines === undefined) response.end(JSON.stringify(body))
  else response.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}
