import type { Resource } from '../domain/kernel/resource.ts'
import type {
  ApiEvent,
  HistoryPage,
  InstanceLogLine,
  MeAnswer,
  MutationAnswer,
  ProbeAnswer,
  ResourceList,
  RolloutAnswer,
  RotationAnswer,
  StatusAnswer,
  UsageItem,
  VersionAnswer,
} from './api/answers.ts'
import { type Caller, type CallerOptions, caller } from './api/caller.ts'
import { isCode } from './errors.ts'

/** How the API calls a kind. */
export interface KindNames {
  readonly kind: string
  readonly plural: string
}

export interface ListOptions {
  readonly selector?: string | undefined
  /** Only instances of this server. */
  readonly server?: string | undefined
  /** Answer as soon as a resource of the kind changed after this position. */
  readonly changedAfter?: string
  /** With `changedAfter`: answer after so long in any case; that is `LONG_POLL_SECONDS` at most. */
  readonly timeoutSeconds?: number
}

export interface WriteOptions {
  readonly dryRun?: boolean
  /** Revision the resource must be at. */
  readonly ifMatch?: string | undefined
}

export interface LogOptions {
  readonly servers?: readonly string[]
  readonly instances?: readonly string[]
  /** Of servers. */
  readonly labelSelector?: string | undefined
  readonly tail?: number | undefined
  /** ISO 8601. */
  readonly since?: string | undefined
  readonly previous?: boolean
  readonly follow?: boolean
}

/** One MCP request to one instance. */
export interface ProbeRequest {
  readonly instance: string
  readonly method: string
  readonly params?: Readonly<Record<string, unknown>>
  readonly timeoutSeconds: number
}

/** What to write: the parts of a manifest that are the user's own. */
export interface Manifest {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly spec: unknown
}

/** mcpd's HTTP API, typed. Every method throws CliError: the server's problem, `unreachable` or `interrupted`. */
export interface ApiClient {
  readonly url: string
  /** All pages in one. */
  list(kind: KindNames, options?: ListOptions): Promise<ResourceList>
  get(kind: KindNames, name: string): Promise<Resource>
  /** Undefined where `get` says `not-found`. */
  find(kind: KindNames, name: string): Promise<Resource | undefined>
  create(kind: KindNames, manifest: Manifest, options?: WriteOptions): Promise<MutationAnswer>
  apply(kind: KindNames, manifest: Manifest, options?: WriteOptions): Promise<MutationAnswer>
  delete(kind: KindNames, name: string, options?: WriteOptions): Promise<MutationAnswer>
  /** Newest first. */
  events(kind: KindNames, name: string, limit: number): Promise<readonly ApiEvent[]>
  /** Newest first, at most `limit`. */
  history(kind: KindNames, name: string, limit: number): Promise<HistoryPage>
  secretValues(name: string): Promise<Readonly<Record<string, string>>>
  makeDefaultBackend(name: string): Promise<MutationAnswer>
  restartServer(name: string): Promise<MutationAnswer>
  rollout(server: string): Promise<RolloutAnswer>
  /** What servers and instances print, as one log; with `follow` until the signal aborts, or until none of them is left. */
  logs(options: LogOptions): Promise<AsyncIterable<InstanceLogLine>>
  /** Sends one MCP request straight to an instance of this server. */
  probe(server: string, request: ProbeRequest): Promise<ProbeAnswer>
  /** What running instances use, of one server or of all. */
  usage(server: string | undefined): Promise<readonly UsageItem[]>
  version(): Promise<VersionAnswer>
  status(): Promise<StatusAnswer>
  me(token?: string): Promise<MeAnswer>
  /** Asks for it; `status` shows how far it is. */
  rebuild(): Promise<void>
  rotateMasterKey(): Promise<RotationAnswer>
  close(): void
}

/** Items a page that `list` asks for. */
const PAGE_SIZE = 500
/** Seconds a long poll may stay open; mcpd allows 30. */
const LONG_POLL_SECONDS = 25
const SERVERS: KindNames = { kind: 'server', plural: 'servers' }

export const apiClient = (options: CallerOptions): ApiClient => {
  const http = caller(options)
  return { url: options.url, close: () => http.close(), ...reads(http), ...writes(http), ...operations(http) }
}

const path = (kind: KindNames, name?: string, below?: string): string =>
  ['/api/v1', kind.plural, name, below]
    .filter((part) => part !== undefined)
    .map((part, i) => (i === 0 ? part : encodeURIComponent(part)))
    .join('/')

const reads = (http: Caller) => {
  const get = (kind: KindNames, name: string) => http.json<Resource>('GET', path(kind, name))
  return {
    get,
    async list(kind: KindNames, options: ListOptions = {}) {
      const page = (cursor?: string) =>
        http.json<ResourceList>('GET', path(kind), {
          query: {
            limit: PAGE_SIZE,
            cursor,
            labelSelector: options.selector,
            server: options.server,
            // Only the first page waits.
            ...(options.changedAfter === undefined || cursor !== undefined
              ? {}
              : {
                  changedAfter: options.changedAfter,
                  timeoutSeconds: Math.min(options.timeoutSeconds ?? LONG_POLL_SECONDS, LONG_POLL_SECONDS),
                }),
          },
        })
      const first = await page()
      const items = [...first.items]
      for (let cursor = first.nextCursor; cursor !== undefined; ) {
        const next = await page(cursor)
        items.push(...next.items)
        cursor = next.nextCursor
      }
      return { kind: first.kind, items, asOf: first.asOf }
    },
    async find(kind: KindNames, name: string) {
      try {
        return await get(kind, name)
      } catch (error) {
        if (isCode(error, 'not-found')) return undefined
        throw error
      }
    },
    async events(kind: KindNames, name: string, limit: number) {
      const answer = await http.json<{ items: readonly ApiEvent[] }>('GET', path(kind, name, 'events'), {
        query: { limit },
      })
      return answer.items
    },
    async history(kind: KindNames, name: string, limit: number) {
      return await http.json<HistoryPage>('GET', path(kind, name, 'history'), { query: { limit } })
    },
    async secretValues(name: string) {
      const secrets = { kind: 'secret', plural: 'secrets' }
      return (await http.json<{ values: Record<string, string> }>('GET', path(secrets, name, 'values'))).values
    },
    rollout: (server: string) => http.json<RolloutAnswer>('GET', path(SERVERS, server, 'rollout')),
    async usage(server: string | undefined) {
      return (await http.json<{ items: readonly UsageItem[] }>('GET', '/api/v1/usage', { query: { server } })).items
    },
    async logs({ servers = [], instances = [], ...options }: LogOptions) {
      const named = (names: readonly string[]) => (names.length === 0 ? undefined : names.join(','))
      const query = { servers: named(servers), instances: named(instances), ...options }
      return parsedLines(await http.lines('/api/v1/logs', query))
    },
  }
}

const parsedLines = async function* (lines: AsyncIterable<string>): AsyncGenerator<InstanceLogLine> {
  for await (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as InstanceLogLine
}

const writes = (http: Caller) => {
  const body = (kind: KindNames, { name, labels, spec }: Manifest) => ({
    apiVersion: 'mcpctl/v1',
    kind: kind.kind,
    metadata: { name, labels },
    spec,
  })
  const write = (
    method: 'POST' | 'PUT' | 'DELETE',
    where: string,
    { dryRun, ifMatch }: WriteOptions,
    content?: object,
  ): Promise<MutationAnswer> =>
    http.json<MutationAnswer>(method, where, {
      ...(dryRun === true ? { query: { dryRun: true } } : {}),
      ...(ifMatch === undefined ? {} : { headers: { 'if-match': `"${ifMatch}"` } }),
      ...(content === undefined ? {} : { body: content }),
    })
  return {
    create: (kind: KindNames, manifest: Manifest, options: WriteOptions = {}) =>
      write('POST', path(kind), options, body(kind, manifest)),
    apply: (kind: KindNames, manifest: Manifest, options: WriteOptions = {}) =>
      write('PUT', path(kind, manifest.name), options, body(kind, manifest)),
    delete: (kind: KindNames, name: string, options: WriteOptions = {}) => write('DELETE', path(kind, name), options),
    probe: (server: string, request: ProbeRequest) =>
      http.json<ProbeAnswer>('POST', path(SERVERS, server, 'probe'), { body: request }),
    restartServer: (name: string) => write('POST', path(SERVERS, name, 'restart'), {}),
    makeDefaultBackend: (name: string) =>
      write('PUT', path({ kind: 'secretbackend', plural: 'secretbackends' }, name, 'default'), {}),
  }
}

const operations = (http: Caller) => ({
  version: () => http.json<VersionAnswer>('GET', '/api/v1/version'),
  status: () => http.json<StatusAnswer>('GET', '/api/v1/status'),
  me: (token?: string) => http.json<MeAnswer>('GET', '/api/v1/auth/me', token === undefined ? {} : { token }),
  async rebuild() {
    await http.json('POST', '/api/v1/admin/rebuild')
  },
  rotateMasterKey: () => http.json<RotationAnswer>('POST', '/api/v1/admin/rotate-master-key'),
})
