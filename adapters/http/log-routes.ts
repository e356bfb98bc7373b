import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { LogLine } from '../../domain/instance/runtime.ts'
import { notFound } from '../../domain/kernel/declared.ts'
import type { HttpDeps } from './deps.ts'
import { leaves } from './leaving.ts'
import { relayed } from './relay.ts'
import { nameParams } from './resource-schemas.ts'

const logQuery = z.strictObject({
  tail: z.coerce.number().int().min(0).max(100_000).optional().describe('The newest this many lines of each instance'),
  since: z.iso.datetime({ offset: true }).optional(),
  previous: z.enum(['true', 'false']).optional().describe('The run before the last start'),
  follow: z.enum(['true', 'false']).optional().describe('Go on with new lines until the client leaves'),
})
interface LogRequest {
  readonly Params: { readonly name: string }
  readonly Querystring: z.output<typeof logQuery>
}

const MAX_INSTANCES = 100

/** What instances print: one JSON object a line, `{instance, at, source, line}`. */
export const logRoutes = (app: FastifyInstance, deps: HttpDeps, ending: AbortSignal): void => {
  const schema = { params: nameParams, querystring: logQuery }
  const exists = async (kind: string, name: string): Promise<void> => {
    if ((await deps.readSide.queries.get(kind, name)).row === undefined) throw notFound({ kind, name })
  }

  app.get<LogRequest>(
    '/api/v1/instances/:name/logs',
    {
      config: { access: { verb: 'view', what: 'instance' } },
      schema: { ...schema, tags: ['instance'], summary: 'What an instance prints' },
    },
    async (request, reply) => {
      await exists('instance', request.params.name)
      if (await relayed(deps, request, reply, ending)) return reply
      return stream(deps, request, reply, [request.params.name], ending)
    },
  )
  app.get<LogRequest>(
    '/api/v1/servers/:name/logs',
    {
      config: { access: { verb: 'view', what: 'server' } },
      schema: { ...schema, tags: ['server'], summary: 'What all instances of a server print' },
    },
    async (request, reply) => {
      const { name } = request.params
      await exists('server', name)
      if (await relayed(deps, request, reply, ending)) return reply
      const page = await deps.readSide.queries.list({
        kind: 'instance',
        limit: MAX_INSTANCES,
        fieldFilter: { server: name },
      })
      return stream(
        deps,
        request,
        reply,
        page.items.map((row) => row.name),
        ending,
      )
    },
  )
}

const stream = (
  { instanceLogs }: HttpDeps,
  request: FastifyRequest<LogRequest>,
  reply: FastifyReply,
  instances: readonly string[],
  ending: AbortSignal,
): FastifyReply => {
  const { tail, since, previous, follow } = request.query
  const options = {
    signal: leaves(reply.raw, ending),
    follow: follow === 'true',
    previous: previous === 'true',
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
  }
  const sources = instances.map((instance) => prefixed(instance, instanceLogs.read(instance, options)))
  const lines = options.follow ? merged(sources) : oneAfterAnother(sources)
  return reply.type('application/x-ndjson').send(Readable.from(lines, { objectMode: false, highWaterMark: 64 * 1024 }))
}

async function* prefixed(instance: string, lines: AsyncIterable<LogLine>): AsyncGenerator<string> {
  for await (const line of lines) yield `${JSON.stringify({ instance, ...line })}\n`
}

async function* oneAfterAnother(sources: readonly AsyncIterable<string>[]): AsyncGenerator<string> {
  for (const source of sources) yield* source
}

/** Lines of several sources as they come; each source is asked for its next line only when the last one was taken. */
async function* merged(sources: readonly AsyncGenerator<string>[]): AsyncGenerator<string> {
  const next = (i: number): Promise<{ i: number; result: IteratorResult<string> }> | undefined =>
    sources[i]?.next().then((result) => ({ i, result }))
  const pending = new Map(sources.map((_, i) => [i, next(i)]))
  try {
    while (pending.size > 0) {
      const first = await Promise.race(pending.values())
      if (first === undefined) return
      if (first.result.done === true) pending.delete(first.i)
      else {
        yield first.result.value
        pending.set(first.i, next(first.i))
      }
    }
  } finally {
    await Promise.all(sources.map((source) => source.return(undefined)))
  }
}
