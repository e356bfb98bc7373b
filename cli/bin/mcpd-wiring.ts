import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import type { DataFolder } from '../../adapters/data-folder/data-folder.ts'
import { createHttpServer, listen } from '../../adapters/http/server.ts'
import { openFileKeyStore } from '../../adapters/keyring/file-keyring.ts'
import { openKeyring } from '../../adapters/keyring/keyring.ts'
import { logKeyStore } from '../../adapters/keyring/log-keyring.ts'
import { createLinkPair } from '../../adapters/link/in-process.ts'
import { linkOverSocket } from '../../adapters/link/websocket.ts'
import { createInstanceHost } from '../../adapters/mcp/host.ts'
import { serveLink } from '../../adapters/mcp/router.ts'
import { createHttpStreams } from '../../adapters/mcp-http/http-streams.ts'
import { openReadSide } from '../../adapters/postgres/read-side.ts'
import { ADMIN, createAccessTokens } from '../../commands/access-tokens.ts'
import { authorize } from '../../commands/authorize.ts'
import { createDefaultBackend } from '../../commands/default-backend.ts'
import { derivedUuid } from '../../commands/event-id.ts'
import { createCommandLoop } from '../../commands/handle.ts'
import { competingHolder, soleHolder } from '../../commands/lease.ts'
import { createHealthReactor } from '../../commands/reactors/health.ts'
import { reactorContext } from '../../commands/reactors/reactor.ts'
import { startReconciler } from '../../commands/reactors/reconciler.ts'
import { createResourceCommands } from '../../commands/resources.ts'
import { recordRotation, rotateMasterKey } from '../../commands/secrets/rotate-master-key.ts'
import { seed } from '../../commands/seed.ts'
import { catalog } from '../../domain/catalog.ts'
import { systemClock } from '../../domain/kernel/clock.ts'
import { notFound } from '../../domain/kernel/declared.ts'
import { coded } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { REACTORS_LEASE } from '../../domain/lease/lease.ts'
import { kinds } from '../../domain/registry.ts'
import { redactor } from '../../domain/secret/redact.ts'
import { clientLinks } from './client-links.ts'
import { healthPolicies } from './health-policies.ts'
import { instanceView } from './instance-view.ts'
import { kindHooks, secretReader } from './kind-hooks.ts'
import type { Ground, Mcpd } from './mcpd-system.ts'
import { projectTopology } from './project-topology.ts'
import { runServers } from './run-servers.ts'
import { openRuntimes } from './runtimes.ts'
import { sweepLeftBehind } from './sweep-left-behind.ts'
import { seedTemplates, templateFilesOf } from './template-files.ts'
import { version } from './version.ts'

/** What is put together here, on what is open already. */
export const wire = async (
  { config, logger, folder, logLocation, log, database, opened, close }: Ground,
  about: () => JsonObject,
): Promise<Mcpd> => {
  const clock = systemClock
  const newId = randomUUID
  const registry = createRegistry(kinds)
  const templateFiles = templateFilesOf(config)
  const wasEmpty = (await log.head()) === undefined
  const loop = createCommandLoop({ log, catalog, clock })
  const system = reactorContext('mcpd', newId())
  const keyring = await openKeyring({
    store:
      config.eventStoreUrl === undefined
        ? await openFileKeyStore({ dataFolder: folder.path })
        : logKeyStore({ log, clock, newId }),
    dataFolder: folder.path,
    env: config.env,
    clock,
    logger,
    record: recordRotation({ commands: loop, clock }, system),
  })

  // Data keys come after the first events, so keys beside an empty log mean that the log is gone: nothing may cover that up.
  if (wasEmpty && (await keyring.list()).length > 0) throw logLost(folder.path)

  const readSide = await openReadSide({
    log,
    logLocation,
    database,
    registry,
    catalog,
    logger,
  })
  opened.push(() => readSide.close())

  const defaultBackend = createDefaultBackend(loop, registry, clock)
  const secrets = secretReader(loop, registry, keyring)
  const hooks = kindHooks({ loop, keyring, defaultBackend, clock })
  const resources = createResourceCommands({ loop, registry, clock, newId, hooks })
  const tokens = createAccessTokens(loop, clock)
  await seed({ loop, registry, resources, defaultBackend, log, newId })
  await seedTemplates({ registry, loop, resources, newId, logger }, templateFiles)

  const startedAt = clock.now()
  const runtime = await openRuntimes(folder, logger)
  opened.push(() => runtime.close())
  const { found: instances, logs } = runtime
  const host = createInstanceHost({
    runtime,
    openHttp: createHttpStreams({ logger }),
    logger,
    version,
    redactor,
    log: (instance, source, line) => logs.of(instance).append(source, line),
  })
  opened.push(() => host.close())
  const closing = new AbortController()
  const servers = runServers({
    host,
    probe: (restart) =>
      createHealthReactor({
        loop,
        host,
        policyOf: healthPolicies(loop, registry),
        restart,
        clock,
        newId,
        logger,
        random: Math.random,
        alarm: (ms, due) => {
          const timer = setTimeout(due, ms)
          return () => clearTimeout(timer)
        },
        onProbe: (probe) => metrics.probed(probe),
      }),
    reconcile: (onEvent) =>
      startReconciler({
        log,
        loop,
        view: instanceView(readSide, closing.signal),
        host,
        clock,
        newId,
        logger,
        discard: logs.remove,
        loadSecret: secrets.find,
        ...(onEvent === undefined ? {} : { onEvent }),
      }),
  })
  const lease =
    config.eventStoreUrl === undefined
      ? soleHolder(servers)
      : competingHolder(servers, {
          stream: REACTORS_LEASE,
          id: holderId(folder),
          ttlMs: config.leaseMs,
          log,
          loop,
          newId,
          logger,
        })
  opened.push(() => lease.close())

  const topology = projectTopology(readSide, logger)
  opened.push(async () => topology.close())
  const { app, metrics } = await createHttpServer({
    registry,
    catalog,
    log,
    loop,
    resources,
    defaultBackend,
    tokens,
    readSide,
    instanceLogs: logs,
    instanceUsage: async (instance) => await runtime.usage?.(instance),
    probeInstance: host.probe,
    instanceSessions: (instance) => host.connection(instance)?.sessions ?? 0,
    secretValues: secrets.values,
    rotateMasterKey: async (context) => ({ ...(await rotateMasterKey({ commands: loop, clock, keyring }, context)) }),
    instancesAt: lease.place,
    serveLink: ({ socket, ...client }) => links.serve({ ...client, link: linkOverSocket(socket) }),
    reactors: servers.status,
    drainLinks: () => servers.drain(),
    clock,
    newId,
    logger,
    version,
    about: () => ({
      dataFolder: folder.path,
      database: { kind: config.databaseUrl === undefined ? 'pglite' : 'postgres' },
      ...about(),
    }),
  })
  const links = clientLinks({
    place: lease.place,
    logger,
    serveHere: ({ project, link, principal }) =>
      serveLink({
        project,
        link,
        principal,
        topology,
        host,
        logger,
        onCall: metrics.mcpCall,
        signal: servers.signal(),
      }),
  })
  opened.push(async () => links.close())
  opened.push(() => app.close())
  opened.push(async () => closing.abort())
  await app.ready()
  // All that could be made ready without rows is: now it takes the database.
  if (database.kind === 'thread') await database.thread.opened
  const sweep = sweepLeftBehind(config, { log, readSide, keyring, logger, startedAt, instances, discard: logs.remove })
  opened.push(() => sweep.stop())
  const url = await listen(app, config.host, config.port)
  await lease.open(config.advertiseUrl ?? url)
  // Last: a start that fails before this point must not use up the one time the token is shown.
  const firstToken = await tokens.bootstrap(system, await givenToken(config.bootstrapTokenFile))

  return {
    url,
    firstToken,
    issueAdminToken: (description) => tokens.issue(ADMIN, description, reactorContext('mcpd', newId())),
    accepts: (bearer) =>
      tokens.authenticate(bearer).then(
        () => true,
        () => false,
      ),
    dialer: {
      async dial(project, bearer) {
        const { principal } = await tokens.authenticate(bearer)
        authorize(principal, 'run', `project/${project}`)
        if ((await readSide.queries.get('project', project)).row === undefined)
          throw notFound({ kind: 'project', name: project })
        const [here, there] = createLinkPair()
        links.serve({ project, link: there, bearer, principal: `${principal.kind}:${principal.name}`, relayed: false })
        return here
      },
    },
    close,
  }
}

/** 500: the data folder has keys of secrets, but no events. */
const logLost = coded('log-lost', 500, 'There are data keys but no events: the log was lost', (folder: string) => ({
  message: `there are data keys of secrets, but the event log of ${folder} is empty`,
  hint: 'Put the log back (the folder "log", or the EventStoreDB that EVENTSTORE_URL named), or choose an empty data folder',
}))

/** A copy of a data folder is another mcpd, if it lies somewhere else. */
const holderId = (folder: DataFolder): string => `${hostname()}/${folder.id}/${derivedUuid(folder.path)}`.slice(0, 200)

const givenToken = async (file: string | undefined): Promise<string | undefined> =>
  file === undefined ? undefined : (await readFile(file, 'utf8')).trim()
