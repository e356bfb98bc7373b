import type { Socket } from 'node:net'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { NewId } from '../../domain/kernel/clock.ts'
import { errorCatalog } from '../../domain/kernel/errors.ts'
import { listenError } from '../../domain/kernel/listen-errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { guard } from './access.ts'
import type { HttpDeps } from './deps.ts'
import { closeLinks, endInOrder } from './ending.ts'
import { linkRoute } from './link-route.ts'
import { logRoutes } from './log-routes.ts'
import { createMetrics, type HttpMetrics } from './metrics.ts'
import { openapiOptions } from './openapi.ts'
import {
  internal,
  invalidRequest,
  methodNotAllowed,
  problemOf,
  routeNotFound,
  sendProblem,
  toCodedError,
} from './problem.ts'
import { resourceRoutes } from './resource-routes.ts'
import { schemaCheck } from './schema-check.ts'
import { systemRoutes } from './system-routes.ts'

/** Largest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024

/** mcpd's HTTP API with all its routes; not yet listening. */
export const createHttpServer = async (deps: HttpDeps): Promise<{ app: FastifyInstance; metrics: HttpMetrics }> => {
  const meanings = new Map(errorCatalog.map(({ code, meaning }) => [code, meaning]))
  const newProblemId = deps.newId
  const app = Fastify({
    logger: false,
    bodyLimit: MAX_BODY_BYTES,
    genReqId: deps.newId,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 500 },
    requestTimeout: 60_000,
    return503OnClosing: false, // see endInOrder: ours is a problem document
    // A query is flat: a name that stands twice is a mistake, and is refused by its schema as an array.
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    // What the router itself refuses: a path it cannot decode, a parameter that is too long.
    // What is no HTTP at all, before there is a request to answer.
    clientErrorHandler: (error, socket) => answerMalformed(error, socket, newProblemId, meanings),
    frameworkErrors: (error, request, reply) => sendProblem(request, reply, error, meanings),
  })
  const metrics = createMetrics(deps)
  app.setValidatorCompiler(schemaCheck)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler((error, request, reply) => {
    report(deps.logger, request, error)
    return sendProblem(request, reply, error, meanings)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? request.url
    const allow = METHODS.filter(
      (method) => app.hasRoute({ method, url: path }) || app.findRoute({ method, url: path }),
    )
    const error = allow.length > 0 ? methodNotAllowed(request.method, path, allow) : routeNotFound(path)
    return sendProblem(request, reply, error, meanings)
  })
  metrics.observe(app)
  // A request to upgrade that got a plain answer would keep its socket for good: nobody reads or ends it any more.
  app.addHook('onResponse', async ({ raw }, reply) => {
    if (raw.headers.upgrade !== undefined && reply.raw.headersSent) raw.socket.destroySoon()
  })
  const ending = endInOrder(app)
  guard(app, deps.tokens)

  await app.register(swagger, openapiOptions(deps.version))
  await app.register(websocket, {
    options: { maxPayload: 64 * 1024 * 1024, perMessageDeflate: false },
    preClose: closeLinks(app, deps),
  })
  await app.register(async (scope) => {
    resourceRoutes(scope, deps, ending)
    logRoutes(scope, deps, ending)
    systemRoutes(scope, deps, metrics)
    linkRoute(scope, deps)
    scope.get('/openapi.json', { config: { access: 'public' } }, async () => app.swagger())
  })
  return { app, metrics }
}

/** A bug is logged with its stack; what is known to happen (the log or the database is away) in one line; what users do wrong not at all. */
const report = (logger: Logger, request: FastifyRequest, error: unknown): void => {
  const { code, status, message } = toCodedError(error)
  const where = { requestId: request.id, method: request.method, url: request.url.split('?', 1)[0] }
  if (code === internal.code) logger.error({ ...where, err: error }, 'request failed')
  else if (status >= 500) logger.warn({ ...where, code }, `request failed: ${message}`)
}

/** Writes the problem document of what Node's parser refused onto the bare socket. */
const answerMalformed = (
  error: Error & { readonly code?: string },
  socket: Socket,
  newId: NewId,
  meanings: ReadonlyMap<string, string>,
): void => {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const problem = invalidRequest(
    error.code === 'HPE_HEADER_OVERFLOW' ? 'the headers or the path are too long' : 'this is not a valid HTTP request',
  )
  const body = JSON.stringify(problemOf(problem, meanings.get(problem.code) ?? problem.code, newId()))
  const head = `HTTP/1.1 400 Bad Request\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}`
  socket.end(`${head}\r\nConnection: close\r\n\r\n${body}`)
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const

/** Starts listening. @throws PortInUse, CannotListen */
export const listen = async (app: FastifyInstance, host: string, port: number): Promise<string> => {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    throw error instanceof Error ? listenError(error, host, port) : error
  }
}
