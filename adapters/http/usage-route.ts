import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { resourceName } from '../../domain/kernel/name.ts'
import { allRows } from '../../queries/all-rows.ts'
import type { HttpDeps } from './deps.ts'
import { relayed } from './relay.ts'
import { usageSamples } from './usage-samples.ts'

const query = z.strictObject({ server: resourceName.optional().describe('Only instances of this server') })
const answer = z.object({
  items: z.array(
    z.object({
      instance: z.string(),
      server: z.string(),
      cpuMillicores: z.int().describe('1000 is one CPU; on average over windowMs'),
      memoryBytes: z.int(),
      processes: z.int(),
      sessions: z.int().describe('Client sessions that it serves now'),
      windowMs: z.int(),
    }),
  ),
})

/** What instances use. Those that do not run, and those whose runtime cannot tell, are not in the answer. */
export const usageRoute = (app: FastifyInstance, deps: HttpDeps, ending: AbortSignal): void => {
  const samples = usageSamples({
    usage: deps.instanceUsage,
    now: () => performance.now(),
    wait: async (ms) => {
      await sleep(ms)
    },
  })
  app.get<{ Querystring: z.output<typeof query> }>(
    '/api/v1/usage',
    {
      config: { access: { verb: 'view', what: 'instance' } },
      schema: {
        tags: ['instance'],
        summary: 'CPU and memory that running instances use, measured over a second at least',
        querystring: query,
        response: { 200: answer },
      },
    },
    async (request, reply) => {
      if (await relayed(deps, request, reply, ending)) return reply
      const rows = await allRows(deps.readSide.queries, { kind: 'instance', fieldFilter: request.query })
      const found = await samples(rows.map(({ name }) => name))
      return {
        items: rows.flatMap(({ name, spec }) => {
          const sample = found.get(name)
          if (sample === undefined) return []
          return [{ instance: name, server: spec.server, ...sample, sessions: deps.instanceSessions(name) }]
        }),
      }
    },
  )
}
