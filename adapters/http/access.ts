import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessTokens, Identity } from '../../commands/access-tokens.ts'
import { authorize, type Verb } from '../../commands/authorize.ts'

/** Who may use a route: anybody, anybody with a valid token, or whoever has the right. */
export type Access = 'public' | 'authenticated' | { readonly verb: Verb; readonly what: string }

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access
    /** A WebSocket: requests to upgrade are taken, others are not. */
    upgrades?: true
  }
  interface FastifyRequest {
    identity: Identity | null
  }
}

/** The bearer of a request; undefined when there is none. */
export const bearerOf = (request: {
  readonly headers: { readonly authorization?: string | undefined }
}): string | undefined => /^Bearer +([^\s]+)$/i.exec(request.headers.authorization ?? '')?.[1]

/**
 * Authenticates and authorises every request before its body is read. A route that does not say who may use it
 * cannot be registered: deny by default.
 */
export const guard = (app: FastifyInstance, tokens: AccessTokens): void => {
  app.decorateRequest('identity', null)
  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) throw new Error(`${route.method} ${route.url} does not say who may use it`)
  })
  app.addHook('onRequest', async (request) => {
    const access = request.routeOptions.config.access
    if (access === 'public' || request.is404) return
    request.identity = await tokens.authenticate(bearerOf(request))
    if (access === undefined || access === 'authenticated') return
    const { name } = request.params as { name?: string }
    authorize(request.identity.principal, access.verb, name === undefined ? access.what : `${access.what}/${name}`)
  })
}

/** Who is asking; the guard has made sure that there is somebody. */
export const identityOf = (request: FastifyRequest): Identity => {
  if (request.identity === null) throw new Error(`${request.url} was reached without an identity`)
  return request.identity
}
