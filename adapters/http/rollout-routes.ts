import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { rolloutOf } from '../../commands/reactors/rollout.ts'
import { restartServer } from '../../commands/restart-server.ts'
import { notFound } from '../../domain/kernel/declared.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import { answerMutation, waitForRead } from './answers.ts'
import { contextOf, type MutationRequest, mutationHeaders, mutationQuery } from './command-context.ts'
import type { HttpDeps } from './deps.ts'
import { getQuery, mutationAnswer, nameParams } from './resource-schemas.ts'

interface Named {
  readonly Params: { readonly name: string }
}

/** Copies of one server that are looked at; replicas are fewer. */
const MAX_COPIES = 1_000

const rolloutAnswer = z.object({
  replicas: z.number(),
  updated: z.number().describe('Copies of the present spec, made since the last restart that was asked for'),
  ready: z.number().describe('Those of them that run'),
  outdated: z.number().describe('Copies that are still to go'),
  done: z.boolean(),
  failing: z.array(z.object({ instance: z.string(), reason: z.string(), nextRetryAt: z.string().nullable() })),
})

/** Replacing a server's copies, and how far that is. */
export const rolloutRoutes = (app: FastifyInstance, deps: HttpDeps): void => {
  const kind = deps.registry.find('server')
  if (kind === undefined) return // a registry of a test's own
  const tags = ['server']
  const base = '/api/v1/servers/:name'

  app.post<Named & MutationRequest>(
    `${base}/restart`,
    {
      config: { access: { verb: 'edit', what: 'server' } },
      schema: {
        tags,
        summary: 'Replace every copy of a server by a new one, new before old',
        params: nameParams,
        headers: mutationHeaders.extend({ 'if-match': z.never({ error: 'a restart has no revision' }).optional() }),
        querystring: mutationQuery,
        response: { 200: mutationAnswer(kind) },
      },
    },
    async (request, reply) => {
      const context = contextOf(request, deps.newId)
      const { name } = request.params
      const mutation = await restartServer(deps, name, context)
      return answerMutation(deps, request, reply, { kind, name, mutation, dryRun: context.dryRun === true })
    },
  )

  app.get<Named & { Querystring: z.output<typeof getQuery> }>(
    `${base}/rollout`,
    {
      config: { access: { verb: 'view', what: 'server' } },
      schema: {
        tags,
        summary: "How far a server's copies are what its spec says",
        params: nameParams,
        querystring: getQuery,
        response: { 200: rolloutAnswer },
      },
    },
    async (request, reply) => {
      const { minPosition } = request.query
      const { name } = request.params
      await waitForRead(deps, minPosition)
      const { row, asOf } = await deps.readSide.queries.get('server', name)
      if (row === undefined) throw notFound({ kind: 'server', name })
      const copies: readonly ResourceRow[] = (
        await deps.readSide.queries.list({ kind: 'instance', limit: MAX_COPIES, fieldFilter: { server: name } })
      ).items
      reply.header('mcpctl-as-of', String(asOf))
      return rolloutOf(row, copies)
    },
  )
}
