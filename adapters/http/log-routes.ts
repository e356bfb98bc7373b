import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { authorize } from '../../commands/authorize.ts'
import { notFound } from '../../domain/kernel/declared.ts'
import { resourceName } from '../../domain/kernel/name.ts'
import { identityOf } from './access.ts'
import type { HttpDeps } from './deps.ts'
import { leaves } from './leaving.ts'
import { arrivalsOf, instancesOf, type LogTargets } from './log-targets.ts'
import { type InstanceLine, mergedLogs } from './merged-logs.ts'
import { validationFailed } from './problem.ts'
import { relayed } from './relay.ts'
import { nameParams } from './resource-schemas.ts'

const logQuery = z.strictObject({
  tail: z.coerce.number().int().min(0).max(100_000).optional().describe('The newest this many lines of each instance'),
  since: z.iso.datetime({ offset: true }).optional(),
  previous: z.enum(['true', 'false']).optional().describe('The run before the last start'),
  follow: z
    .enum(['true', 'false'])
    .optional()
    .describe('Go on with new lines, those of instances that come later included, until the client leaves'),
})

/** Most servers, or instances, that one request names. */
const MAX_NAMES = 100
const names = z
  .string()
  .max(MAX_NAMES * 64)
  .transform((text) => text.split(','))
  .pipe(z.array(resourceName).max(MAX_NAMES))
const mixedQuery = logQuery.extend({
  servers: names.optional().describe('Names, with commas between them: all their instances'),
  instances: names.optional().describe('Names, with commas between them'),
  labelSelector: z.string().max(1000).optional().describe('All instances of the servers with these labels'),
})

type LogQuery = z.output<typeof logQuery>
interface NamedRequest {
  readonly Params: { readonly name: string }
  readonly Querystring: LogQuery
}
interface MixedRequest {
  readonly Querystring: z.output<typeof mixedQuery>
}

/** What instances print: one JSON object a line, `{instance, at, source, line}`; those of several by time. */
export const logRoutes = (app: FastifyInstance, deps: HttpDeps, ending: AbortSignal): void => {
  const named = { params: nameParams, querystring: logQuery }
  app.get<NamedRequest>(
    '/api/v1/instances/:name/logs',
    {
      config: { access: { verb: 'view', what: 'instance' } },
      schema: { ...named, tags: ['instance'], summary: 'What an instance prints' },
    },
    async (request, reply) =>
      await answer(deps, request, reply, { servers: [], instances: [request.params.name] }, ending),
  )
  app.get<NamedRequest>(
    '/api/v1/servers/:name/logs',
    {
      config: { access: { verb: 'view', what: 'server' } },
      schema: { ...named, tags: ['server'], summary: 'What all instances of a server print' },
    },
    async (request, reply) =>
      await answer(deps, request, reply, { servers: [request.params.name], instances: [] }, ending),
  )
  app.get<MixedRequest>(
    '/api/v1/logs',
    {
      config: { access: 'authenticated' },
      schema: {
        tags: ['server', 'instance'],
        summary: 'What several servers and instances print, as one log',
        querystring: mixedQuery,
      },
    },
    async (request, reply) => {
      const { servers = [], instances = [], labelSelector } = request.query
      const { principal } = identityOf(request)
      for (const name of servers) authorize(principal, 'view', `server/${name}`)
      for (const name of instances) authorize(principal, 'view', `instance/${name}`)
      if (labelSelector !== undefined) authorize(principal, 'view', 'server')
      else if (servers.length + instances.length === 0)
        throw validationFailed([{ path: 'servers', message: 'is needed, or instances, or labelSelector' }])
      const selector = labelSelector === undefined ? {} : { labelSelector }
      return await answer(deps, request, reply, { servers, instances, ...selector }, ending)
    },
  )
}

const answer = async (
  deps: HttpDeps,
  request: FastifyRequest<{ Querystring: LogQuery }>,
  reply: FastifyReply,
  targets: LogTargets,
  ending: AbortSignal,
): Promise<FastifyReply> => {
  await exist(deps, targets)
  if (await relayed(deps, request, reply, ending)) return reply
  const { tail, since, previous, follow } = request.query
  const found = await instancesOf(deps.readSide, targets)
  const signal = leaves(reply.raw, ending)
  const following = follow === 'true' && previous !== 'true'
  const areAllNamed = targets.servers.length === 0 && targets.labelSelector === undefined
  const lines = mergedLogs(deps.instanceLogs, {
    instances: found.names,
    signal,
    follow: following,
    previous: previous === 'true',
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
    ...(following && !areAllNamed ? { arrivals: arrivalsOf(deps.readSide, targets, found, signal) } : {}),
  })
  return reply
    .type('application/x-ndjson')
    .send(Readable.from(asJson(lines), { objectMode: false, highWaterMark: 64 * 1024 }))
}

async function* asJson(lines: AsyncIterable<InstanceLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify(line)}\n`
}

const exist = async ({ readSide }: HttpDeps, { servers, instances }: LogTargets): Promise<void> => {
  const all = [
    ...servers.map((name) => ({ kind: 'server', name })),
    ...instances.map((name) => ({ kind: 'instance', name })),
  ]
  for (const ref of all) if ((await readSide.queries.get(ref.kind, ref.name)).row === undefined) throw notFound(ref)
}
