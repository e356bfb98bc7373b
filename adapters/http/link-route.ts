import type { FastifyInstance } from 'fastify'
import { notFound } from '../../domain/kernel/declared.ts'
import { bearerOf } from './access.ts'
import type { HttpDeps } from './deps.ts'
import { isRelayed } from './relay.ts'
import { nameParams } from './resource-schemas.ts'

/** The link of one client session of mcplocal: a WebSocket, authorised before it is upgraded. */
export const linkRoute = (app: FastifyInstance, deps: HttpDeps): void => {
  app.get<{ Params: { name: string } }>(
    '/api/v1/projects/:name/link',
    {
      websocket: true,
      config: { access: { verb: 'run', what: 'project' } },
      schema: { tags: ['project'], summary: 'WebSocket: the MCP link of mcplocal', params: nameParams },
      preValidation: async (request) => {
        const { name } = request.params
        if ((await deps.readSide.queries.get('project', name)).row === undefined)
          throw notFound({ kind: 'project', name })
      },
    },
    (socket, request) =>
      deps.serveLink({
        project: request.params.name,
        socket,
        bearer: bearerOf(request) ?? '',
        relayed: isRelayed(request),
      }),
  )
}
