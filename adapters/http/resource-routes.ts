import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import { notFound } from '../../domain/kernel/declared.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import type { Labels } from '../../domain/kernel/name.ts'
import { answerMutation, etagOf, show, showEvent, waitForRead } from './answers.ts'
import { contextOf, type MutationRequest, mutationHeaders, mutationQuery } from './command-context.ts'
import type { HttpDeps } from './deps.ts'
import { leaves } from './leaving.ts'
import { validationFailed } from './problem.ts'
import * as schemas from './resource-schemas.ts'
import { changedSince } from './watch.ts'
import { assertWellFormed } from './well-formed.ts'

interface Manifest {
  readonly metadata: { readonly name: string; readonly labels: Labels }
  readonly spec: JsonObject
}
interface Named {
  readonly Params: { readonly name: string }
}
type ListQuery = z.output<typeof schemas.instanceListQuery>

/** Every kind's routes, made from its definition. */
export const resourceRoutes = (app: FastifyInstance, deps: HttpDeps, ending: AbortSignal): void => {
  for (const kind of deps.registry.kinds) {
    readRoutes(app, deps, kind, ending)
    if (kind.declarable) declareRoutes(app, deps, kind)
    deleteRoute(app, deps, kind)
  }
}

const readRoutes = (app: FastifyInstance, deps: HttpDeps, kind: KindDefinition, ending: AbortSignal): void => {
  const { readSide, log, catalog, registry } = deps
  const base = `/api/v1/${kind.plural}`
  const config = { access: { verb: 'view', what: kind.kind } } as const
  const tags = [kind.kind]
  const listQuery = kind.kind === 'instance' ? schemas.instanceListQuery : schemas.listQuery

  app.get<{ Querystring: ListQuery }>(
    base,
    {
      config,
      schema: {
        tags,
        summary: `List ${kind.plural}`,
        querystring: listQuery,
        response: { 200: schemas.listAnswer(kind) },
      },
    },
    async (request, reply) => {
      const { labelSelector, limit, cursor, minPosition, changedAfter, timeoutSeconds, server } = request.query
      await waitForRead(deps, minPosition)
      if (changedAfter !== undefined)
        await changedSince(readSide, kind.kind, BigInt(changedAfter), timeoutSeconds * 1000, leaves(reply.raw, ending))
      const page = await readSide.queries.list({
        kind: kind.kind,
        limit,
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(cursor === undefined ? {} : { cursor }),
        ...(server === undefined ? {} : { fieldFilter: { server } }),
      })
      return {
        kind: `${kind.kind}List`,
        items: page.items.map(show),
        asOf: String(page.asOf),
        ...(page.nextCursor === undefined ? {} : { nextCursor: page.nextCursor }),
      }
    },
  )

  app.get<Named & { Querystring: z.output<typeof schemas.getQuery> }>(
    `${base}/:name`,
    {
      config,
      schema: {
        tags,
        summary: `Read one ${kind.kind}`,
        params: schemas.nameParams,
        querystring: schemas.getQuery,
        response: { 200: schemas.resourceAnswer(kind) },
      },
    },
    async (request, reply) => {
      await waitForRead(deps, request.query.minPosition)
      const { name } = request.params
      const { row, asOf } = await readSide.queries.get(kind.kind, name)
      if (row === undefined) throw notFound({ kind: kind.kind, name })
      reply.header('etag', etagOf(row)).header('mcpctl-as-of', String(asOf))
      return show(row)
    },
  )

  app.get<Named & { Querystring: z.output<typeof schemas.pageQuery> }>(
    `${base}/:name/events`,
    {
      config,
      schema: {
        tags,
        summary: `The newest events of one ${kind.kind}, newest first, from the log itself`,
        params: schemas.nameParams,
        querystring: schemas.pageQuery.omit({ cursor: true }),
        response: { 200: schemas.eventsAnswer },
      },
    },
    async (request) => {
      const { name } = request.params
      const items: JsonObject[] = []
      const options = { direction: 'backwards', limit: request.query.limit } as const
      for await (const event of log.readStream(`${kind.kind}-${name}`, options))
        items.push(showEvent(registry, catalog.decode(event)))
      if (items.length === 0) throw notFound({ kind: kind.kind, name })
      return { items }
    },
  )

  if (kind.eventPrefix === undefined) return
  app.get<Named & { Querystring: z.output<typeof schemas.pageQuery> }>(
    `${base}/:name/history`,
    {
      config,
      schema: {
        tags,
        summary: `Every revision of one ${kind.kind}, newest first`,
        params: schemas.nameParams,
        querystring: schemas.pageQuery,
        response: { 200: schemas.historyAnswer },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query
      const { name } = request.params
      const page = await readSide.queries.history(kind.kind, name, {
        limit,
        ...(cursor === undefined ? {} : { cursor }),
      })
      if (page.items.length === 0 && cursor === undefined) throw notFound({ kind: kind.kind, name })
      const items = page.items.map((each) => ({
        ...each,
        revision: String(each.revision),
        position: String(each.position),
      }))
      return { ...page, items, asOf: String(page.asOf) }
    },
  )
}

const declareRoutes = (app: FastifyInstance, deps: HttpDeps, kind: KindDefinition): void => {
  const base = `/api/v1/${kind.plural}`
  const body = schemas.manifestOf(kind)
  const common = { tags: [kind.kind], headers: mutationHeaders, querystring: mutationQuery, body }

  const declare = async (
    request: FastifyRequest<MutationRequest & { Body: Manifest }>,
    mode: 'create' | 'apply',
    name: string,
  ) => {
    const { ifMatch, ...context } = contextOf(request, deps.newId)
    const { metadata, spec } = request.body
    assertWellFormed(spec, 'spec')
    const match = ifMatch === undefined ? {} : { ifMatch }
    const mutation = await deps.resources.declare(
      { kind, name, labels: metadata.labels, spec, mode, ...match },
      context,
    )
    return { mutation, dryRun: context.dryRun === true, kind, name }
  }

  app.post<MutationRequest & { Body: Manifest }>(
    base,
    {
      config: { access: { verb: 'create', what: kind.kind } },
      schema: { ...common, summary: `Create a ${kind.kind}`, response: { 201: schemas.mutationAnswer(kind) } },
    },
    async (request, reply) =>
      answerMutation(deps, request, reply, await declare(request, 'create', request.body.metadata.name)),
  )

  app.put<MutationRequest & Named & { Body: Manifest }>(
    `${base}/:name`,
    {
      config: { access: { verb: 'edit', what: kind.kind } },
      schema: {
        ...common,
        summary: `Create a ${kind.kind} or replace its spec`,
        params: schemas.nameParams,
        response: { 200: schemas.mutationAnswer(kind), 201: schemas.mutationAnswer(kind) },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const { metadata } = request.body
      if (metadata.name !== name)
        throw validationFailed([{ path: 'metadata.name', message: `is ${metadata.name}, the path says ${name}` }])
      return answerMutation(deps, request, reply, await declare(request, 'apply', name))
    },
  )
}

const deleteRoute = (app: FastifyInstance, deps: HttpDeps, kind: KindDefinition): void => {
  app.delete<MutationRequest & Named>(
    `/api/v1/${kind.plural}/:name`,
    {
      config: { access: { verb: 'delete', what: kind.kind } },
      schema: {
        tags: [kind.kind],
        summary: `Delete a ${kind.kind}`,
        headers: mutationHeaders,
        querystring: mutationQuery,
        params: schemas.nameParams,
        response: { 200: schemas.mutationAnswer(kind) },
      },
    },
    async (request, reply) => {
      const { ifMatch, ...context } = contextOf(request, deps.newId)
      const { name } = request.params
      const match = ifMatch === undefined ? {} : { ifMatch }
      const mutation = await deps.resources.delete({ kind, name, ...match }, context)
      return answerMutation(deps, request, reply, { kind, name, mutation, dryRun: context.dryRun === true })
    },
  )
}
