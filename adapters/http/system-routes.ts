import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { rightsOf } from '../../commands/authorize.ts'
import { CodedError, messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { ReadModelStatus } from '../../queries/status.ts'
import { identityOf } from './access.ts'
import { answerMutation } from './answers.ts'
import { contextOf, type MutationRequest, mutationHeaders, mutationQuery } from './command-context.ts'
import type { HttpDeps } from './deps.ts'
import type { HttpMetrics } from './metrics.ts'
import { nameParams } from './resource-schemas.ts'

interface Named {
  readonly Params: { readonly name: string }
}

/** An operation takes none: a `?dryRun=true` that is not heeded would be worse than one that is refused. */
const noQuery = z.strictObject({})

/** Health, status, who am I, and operations on mcpd itself. */
export const systemRoutes = (app: FastifyInstance, deps: HttpDeps, metrics: HttpMetrics): void => {
  const { readSide, log, clock } = deps
  const startedAt = clock.now()
  const open = { access: 'public' } as const
  const admin = { access: { verb: 'admin', what: 'mcpd' } } as const
  const tags = ['system']

  app.get('/healthz', { config: open, schema: { tags, summary: 'Whether mcpd is alive' } }, async () => ({
    status: 'ok',
  }))

  app.get(
    '/readyz',
    { config: open, schema: { tags, summary: 'Whether mcpd can serve: log, read models, reactors' } },
    async (_request, reply) => {
      const [logCheck, readModels] = await Promise.all([checkLog(deps), readSide.status()])
      const ready = logCheck.ok && readModels.every(({ state }) => state === 'live' || state === 'rebuilding')
      reply.code(ready ? 200 : 503)
      return {
        status: ready ? 'ready' : 'not ready',
        checks: { log: logCheck, readModels: readModels.map(forAnybody), reactors: deps.reactors() },
      }
    },
  )

  app.get('/metrics', { config: open, schema: { tags, summary: 'Prometheus metrics' } }, async (_request, reply) => {
    reply.type(metrics.contentType)
    return metrics.render()
  })

  app.get('/api/v1/version', { config: open, schema: { tags, summary: 'Versions' } }, async () => ({
    version: deps.version,
    api: 'v1',
    node: process.version,
  }))

  app.get(
    '/api/v1/kinds',
    {
      config: { access: 'authenticated' },
      schema: { tags, summary: 'Every kind, in the order in which apply does them' },
    },
    async () => ({
      items: deps.registry.kinds.map(({ kind, plural, shortNames, summary, declarable, refersTo, spec, example }) => ({
        kind,
        plural,
        shortNames,
        summary,
        declarable,
        refersTo,
        schema: z.toJSONSchema(spec, { io: 'input' }),
        example,
      })),
    }),
  )

  app.get(
    '/api/v1/status',
    { config: { access: { verb: 'view', what: 'status' } }, schema: { tags, summary: 'How mcpd does' } },
    async () => {
      const [logCheck, readModels, instances] = await Promise.all([checkLog(deps), readSide.status(), phases(deps)])
      return {
        version: deps.version,
        startedAt: startedAt.toISOString(),
        uptimeSeconds: Math.max(0, Math.floor((clock.now().getTime() - startedAt.getTime()) / 1000)),
        log: { kind: log.kind, ...logCheck },
        readModels,
        instances,
        reactors: deps.reactors(),
        ...deps.about(),
      }
    },
  )

  app.get(
    '/api/v1/auth/me',
    { config: { access: 'authenticated' }, schema: { tags, summary: 'Who am I' } },
    async (request) => {
      const { principal, actor } = identityOf(request)
      return { principal, tokenSha: actor.tokenSha, rights: rightsOf(principal) }
    },
  )

  app.post(
    '/api/v1/admin/rebuild',
    {
      config: admin,
      schema: { tags, summary: 'Build the read models anew beside the live ones', querystring: noQuery },
    },
    async (_request, reply) => {
      reply.code(202)
      return readSide.rebuild()
    },
  )

  app.post<MutationRequest>(
    '/api/v1/admin/rotate-master-key',
    {
      config: admin,
      schema: {
        tags,
        summary: 'Wrap all data keys under a new master key',
        querystring: noQuery,
        headers: mutationHeaders.extend({ 'if-match': z.never({ error: 'goes with one resource only' }).optional() }),
      },
    },
    async (request) => deps.rotateMasterKey(contextOf(request, deps.newId)),
  )

  app.get<Named>(
    '/api/v1/secrets/:name/values',
    {
      config: { access: { verb: 'edit', what: 'secret' } },
      schema: { tags: ['secret'], summary: 'The clear values of a secret', params: nameParams },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store')
      return { values: await deps.secretValues(request.params.name) }
    },
  )

  app.put<Named & MutationRequest>(
    '/api/v1/secretbackends/:name/default',
    {
      config: { access: { verb: 'edit', what: 'secretbackend' } },
      schema: {
        tags: ['secretbackend'],
        summary: 'Make this the backend of secrets that name none',
        params: nameParams,
        headers: mutationHeaders,
        querystring: mutationQuery,
      },
    },
    async (request, reply) => {
      const kind = deps.registry.find('secretbackend')
      if (kind === undefined) throw new Error('the kind secretbackend is not registered')
      const context = contextOf(request, deps.newId)
      const { name } = request.params
      const mutation = await deps.defaultBackend.choose(name, context)
      return answerMutation(deps, request, reply, { kind, name, mutation, dryRun: context.dryRun === true })
    },
  )
}

/** What is said without a token: not where the database is. */
const forAnybody = (model: ReadModelStatus): ReadModelStatus =>
  model.state === 'unavailable' && model.error !== undefined
    ? { ...model, error: { ...model.error, message: 'the database cannot be reached' } }
    : model

const checkLog = async ({ log }: HttpDeps): Promise<JsonObject & { ok: boolean }> => {
  try {
    const pingMs = await log.ping()
    const head = await log.head()
    return { ok: true, pingMs, ...(head === undefined ? {} : { head: String(head) }) }
  } catch (error) {
    return { ok: false, error: messageOf(error) }
  }
}

/** How many instances are in which phase; null when the rows are away, for the rest of the status must still be told. */
const phases = async ({ readSide }: HttpDeps): Promise<JsonObject | null> => {
  const counts: Record<string, number> = { running: 0, starting: 0, pending: 0, error: 0 }
  try {
    for (const [phase, count] of await readSide.queries.countByStatus('instance', 'phase'))
      counts[phase] = (counts[phase] ?? 0) + count
    return counts
  } catch (error) {
    if (error instanceof CodedError) return null
    throw error
  }
}
