import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { notFound } from '../../domain/kernel/declared.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { resourceName } from '../../domain/kernel/name.ts'
import type { HttpDeps } from './deps.ts'
import { leaves } from './leaving.ts'
import { relayed } from './relay.ts'
import { nameParams } from './resource-schemas.ts'

/** Requests that change nothing for the other sessions of a connection that many may share. */
const METHODS = [
  'initialize',
  'ping',
  'tools/list',
  'tools/call',
  'resources/list',
  'resources/templates/list',
  'resources/read',
  'prompts/list',
  'prompts/get',
] as const
/** Longer than this no client waits for an answer of which nothing comes. */
const MAX_TIMEOUT_SECONDS = 55

const body = z.strictObject({
  instance: resourceName.describe('One of the server'),
  method: z.enum(METHODS),
  params: z.record(z.string(), z.unknown()).default({}),
  timeoutSeconds: z.number().positive().max(MAX_TIMEOUT_SECONDS).default(30),
})
const answer = z.object({
  instance: z.string(),
  ok: z.boolean(),
  latencyMs: z.number(),
  result: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("What it answered, without the values of the server's secrets"),
  reason: z.string().optional().describe('Why it is no good answer, for people'),
})

/** One MCP request straight to one instance, on its own connection; neither its parameters nor its answer are kept or logged. */
export const probeRoute = (app: FastifyInstance, deps: HttpDeps, ending: AbortSignal): void => {
  app.post<{ Params: { readonly name: string }; Body: z.output<typeof body> }>(
    '/api/v1/servers/:name/probe',
    {
      config: { access: { verb: 'run', what: 'server' } },
      schema: {
        tags: ['server'],
        summary: 'Send one MCP request to one instance of a server',
        params: nameParams,
        body,
        response: { 200: answer },
      },
    },
    async (request, reply) => {
      const { name } = request.params
      const { instance, method, params, timeoutSeconds } = request.body
      if (await relayed(deps, request, reply, ending)) return reply
      const { row } = await deps.readSide.queries.get('instance', instance)
      if (row === undefined || row.spec.server !== name) throw notFound({ kind: 'instance', name: instance })
      const begun = performance.now()
      const found = await deps.probeInstance(instance, {
        method,
        params: params as JsonObject,
        timeoutMs: timeoutSeconds * 1000,
        shown: true,
        signal: leaves(reply.raw, ending),
      })
      return { instance, latencyMs: Math.round((performance.now() - begun) * 10) / 10, ...found }
    },
  )
}
