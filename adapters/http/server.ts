import type { IncomingMessage } from 'node:http'
import swagger from '@fastify/swagger'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { errorCatalog } from '../../domain/kernel/errors.ts'
import { listenError } from '../../domain/kernel/listen-errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { guard } from './access.ts'
import type { HttpDeps } from './deps.ts'
import { closeLinks, endInOrder } from './ending.ts'
import { jsonBodies } from './json-body.ts'
import { linkRoute } from './link-route.ts'
import { logRoutes } from './log-routes.ts'
import { malformedRequests } from './malformed.ts'
import { createMetrics, type HttpMetrics } from './metrics.ts'
import { openapiOptions } from './openapi.ts'
import { probeRoute } from './probe-route.ts'
import { internal, invalidRequest, methodNotAllowed, routeNotFound, sendProblem, toCodedError } from './problem.ts'
import { resourceRoutes } from './resource-routes.ts'
import { rolloutRoutes } from './rollout-routes.ts'
import { schemaCheck } from './schema-check.ts'
import { systemRoutes } from './system-routes.ts'
import { usageRoute } from './usage-route.ts'

/** Largest request body, in bytes. */
export const MAX_BODY_BYTES = 1024 * 1024

/** mcpd's HTTP API with all its routes; not yet listening. */
export const createHttpServer = async (deps: HttpDeps): Promise<{ app: FastifyInstance; metrics: HttpMetrics }> => {
  const meanings = new Map(errorCatalog.map(({ code, meaning }) => [code, meaning]))
  const malformed = malformedRequests(deps.newId, meanings)
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
    // Node would answer without a word; a hook below refuses it.
    http: { requireHostHeader: false },
    // What is no HTTP at all, before there is a request to answer.
    clientErrorHandler: malformed.onClientError,
    // What the router itself refuses: a path it cannot decode, a parameter that is too long.
    frameworkErrors: (error, request, reply) => {
      reply.raw.once('finish', () => endUpgrade(request.raw)) // no hook runs for these
      sendProblem(request, reply, error, meanings)
    },
  })
  jsonBodies(app)
  const metrics = createMetrics(deps)
  app.setValidatorCompiler(schemaCheck)
  app.setSerializerCompiler(() => (data) => JSON.stringify(data))
  app.setErrorHandler((error, request, reply) => {
    report(deps.logger, request, error)
    return sendProblem(request, reply, error, meanings)
  })
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?', 1)[0] ?? request.url
    // Not `hasRoute`: to it a path is a pattern, with whatever regular expression the client has put in.
    const allow = METHODS.filter((method) => app.findRoute({ method, url: path }) !== null)
    const error = allow.length > 0 ? methodNotAllowed(request.method, path, allow) : routeNotFound(path)
    return sendProblem(request, reply, error, meanings)
  })
  metrics.observe(app)
  app.addHook('onResponse', async ({ raw }, reply) => {
    if (reply.raw.headersSent) endUpgrade(raw)
  })
  const ending = endInOrder(app)
  guard(app, deps.tokens)
  app.addHook('onRequest', async ({ headers, raw, routeOptions }) => {
    if (headers.host === undefined && raw.httpVersion === '1.1') throw invalidRequest('the header Host is missing')
    if (headers.upgrade !== undefined && routeOptions.config.upgrades !== true)
      throw invalidRequest('this path takes no upgrade to another protocol')
  })

  await app.register(swagger, openapiOptions(deps.version))
  await app.register(websocket, {
    options: { maxPayload: 64 * 1024 * 1024, perMessageDeflate: false },
    preClose: closeLinks(app, deps),
  })
  malformed.guard(app)
  await app.register(async (scope) => {
    resourceRoutes(scope, deps, ending)
    rolloutRoutes(scope, deps)
    logRoutes(scope, deps, ending)
    usageRoute(scope, deps, ending)
    probeRoute(scope, deps, ending)
    systemRoutes(scope, deps, metrics)
    linkRoute(scope, deps)
    scope.get('/openapi.json', { config: { access: 'public' } }, async () => app.swagger())
  })
  return { app, metrics }
}

/** A request to upgrade that got a plain answer would keep its socket for good: nobody reads or ends it any more. */
const endUpgrade = ({ headers, socket }: IncomingMessage): void => {
  if (headers.upgrade !== undefined) socket.destroySoon()
}

/** A bug is logged with its stack; what is known to happen (the log or the database is away) in one line; what users do wrong not at all. */
const report = (logger: Logger, request: FastifyRequest, error: unknown): void => {
  const { code, status, message } = toCodedError(error)
  const where = { requestId: request.id, method: request.method, url: request.url.split('?', 1)[0] }
  if (code === internal.code) logger.error({ ...where, err: error }, 'request failed')
  else if (status >= 500) logger.warn({ ...where, code }, `request failed: ${message}`)
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
