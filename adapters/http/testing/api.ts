import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { kindHooks, secretReader } from '../../../cli/bin/kind-hooks.ts'
import { createAccessTokens } from '../../../commands/access-tokens.ts'
import { createDefaultBackend } from '../../../commands/default-backend.ts'
import { createCommandLoop } from '../../../commands/handle.ts'
import { reactorContext } from '../../../commands/reactors/reactor.ts'
import { createResourceCommands } from '../../../commands/resources.ts'
import { seed } from '../../../commands/seed.ts'
import { catalogOf } from '../../../domain/catalog.ts'
import { systemClock } from '../../../domain/kernel/clock.ts'
import type { Logger } from '../../../domain/kernel/logger.ts'
import { createRegistry } from '../../../domain/kernel/registry.ts'
import { team } from '../../../domain/kernel/testing/made-up-kind.ts'
import { kinds } from '../../../domain/registry.ts'
import { openEmbeddedLog } from '../../embedded-log/embedded-log.ts'
import { openFileKeyStore } from '../../keyring/file-keyring.ts'
import { openKeyring } from '../../keyring/keyring.ts'
import { openReadSide } from '../../postgres/read-side.ts'
import type { HttpDeps } from '../deps.ts'
import { createHttpServer, listen } from '../server.ts'

/** mcpd's API on a real log, real rows and real keys, without servers to run; with one kind more than mcpd has. */
export interface TestApi {
  readonly app: FastifyInstance
  /** Of the administrator. */
  readonly token: string
  /** Of somebody without rights. */
  readonly strangerToken: string
  /** Asks it without a socket, as the administrator if no other token is given. */
  call(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'PATCH',
    url: string,
    options?: { body?: unknown; headers?: Record<string, string>; token?: string },
  ): Promise<LightMyRequestResponse>
  /** Listens on a free port, once; answers its URL. */
  listen(): Promise<string>
  close(): Promise<void>
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** @param instead what this mcpd does not do as the others of a test do */
export const startApi = async (logger: Logger = silent, instead: Partial<HttpDeps> = {}): Promise<TestApi> => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-api-'))
  const all = [team, ...kinds]
  const registry = createRegistry(all)
  const catalog = catalogOf(all)
  const clock = systemClock
  const newId = randomUUID
  const log = await openEmbeddedLog({ folder: join(folder, 'log') })
  const loop = createCommandLoop({ log, catalog, clock })
  const keyring = await openKeyring({
    store: await openFileKeyStore({ dataFolder: folder }),
    dataFolder: folder,
    env: {},
    clock,
    logger,
    record: async () => {},
  })
  const readSide = await openReadSide({
    log,
    logLocation: { kind: 'embedded', folder: join(folder, 'log') },
    database: { kind: 'pglite-here' },
    registry,
    catalog,
    logger,
  })
  const defaultBackend = createDefaultBackend(loop, registry, clock)
  const hooks = kindHooks({ loop, keyring, defaultBackend, clock })
  const resources = createResourceCommands({ loop, registry, clock, newId, hooks })
  const tokens = createAccessTokens(loop, clock)
  await seed({ loop, registry, resources, defaultBackend, log, newId })
  const context = reactorContext('test', newId())
  const token = (await tokens.bootstrap(context)) ?? ''
  const strangerToken = await tokens.issue(
    { kind: 'User', name: 'stranger' },
    'no rights',
    reactorContext('test', newId()),
  )
  const { app } = await createHttpServer({
    registry,
    catalog,
    log,
    loop,
    resources,
    defaultBackend,
    tokens,
    readSide,
    instanceLogs: { read: async function* () {}, remove: async () => {} },
    instanceUsage: async () => undefined,
    instanceSessions: () => 0,
    probeInstance: async () => ({ ok: false, reason: 'it is not running' }),
    secretValues: secretReader(loop, registry, keyring).values,
    rotateMasterKey: async () => ({}),
    instancesAt: () => 'here',
    serveLink: ({ socket }) => socket.close(),
    drainLinks: async () => {},
    reactors: () => [],
    clock,
    newId,
    logger,
    version: 'test',
    about: () => ({}),
    ...instead,
  })
  await app.ready()
  let url: Promise<string> | undefined
  return {
    app,
    token,
    call: (method, url, { body, headers, token: other = token } = {}) =>
      app.inject({
        method,
        url,
        headers: { authorization: `Bearer ${other}`, ...headers },
        ...(body === undefined ? {} : { payload: body as object }),
      }),
    listen: () => (url ??= listen(app, '127.0.0.1', 0)),
    strangerToken,
    async close() {
      await app.close()
      await readSide.close()
      await log.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
