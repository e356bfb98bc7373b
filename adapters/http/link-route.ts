import type { FastifyInstance } from 'fastify'
import { notFound } from '../../domain/kernel/declared.ts'
import { bearerOf, identityOf } from './access.ts'
import type { HttpDeps } from './deps.ts'
import { upgradeRequired } from './malformed.ts'
import { isRelayed } from './relay.ts'
import { nameParams } from './resource-schemas.ts'

/** The link of one client session of mcplocal: a WebSocket, authorised before it is upgraded. */
export const linkRoute = (app: FastifyInstance, deps: HttpDeps): void => {
  app.route<{ Params: { name: string } }>({
    method: 'GET',
    url: '/api/v1/projects/:name/link',
    config: { access: { verb: 'run', what: 'project' }, upgrades: true },
    schema: { hide: true, tags: ['project'], summary: 'WebSocket: the MCP link of mcplocal', params: nameParams },
    preValidation: async ({ params: { name }, ws }) => {
      if (!ws) throw upgradeRequired()
      if ((await deps.readSide.queries.get('project', name)).row === undefined)
        throw notFound({ kind: 'project', name })
    },
    handler: async () => {
      throw upgradeRequired() // not reached: that is seen before
    },
    wsHandler: (socket, request) => {
      const { principal } = identityOf(request)
      deps.serveLink({
        project: request.params.name,
        socket,
        bearer: bearerOf(request) ?? '',
        principal: `${principal.kind}:${principal.name}`,
        relayed: isRelayed(request),
      })
    },
  })
}
