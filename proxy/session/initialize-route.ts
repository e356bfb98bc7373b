import type { LinkClient } from '../../domain/mcp/link.ts'
import { invalidParams } from '../rpc/errors.ts'
import { clientOf, initializeResult, negotiate } from './initialize.ts'
import type { Route } from './routes.ts'

/**
 * Makes the route of `initialize`, on which the client and this end agree on a revision.
 * @param ownVersion of this program, for `serverInfo`
 * @param introduced hears who the client is, before it is answered
 */
export const initializeRoute =
  (ownVersion: string, introduced: (client: LinkClient) => void): Route =>
  (routing, request) => {
    const { params } = request.message
    const wanted = params?.protocolVersion
    if (typeof wanted !== 'string') return routing.fail(request, invalidParams('protocolVersion', 'must be a string'))
    const protocolVersion = negotiate(wanted)
    introduced({ ...clientOf(params), protocolVersion })
    routing.reply(request, initializeResult(routing.view.project, protocolVersion, ownVersion))
  }
