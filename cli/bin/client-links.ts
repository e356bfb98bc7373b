import { RELAYED_HEADER } from '../../adapters/http/relay.ts'
import { joinLinks } from '../../adapters/link/join.ts'
import type { Lease } from '../../commands/lease.ts'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Link } from '../../domain/mcp/link.ts'
import { webSocketDialer } from '../../proxy/link/websocket-dialer.ts'

const DIAL_MS = 5_000

/** The link of one client session that has been authorised. */
interface ClientLink {
  readonly project: string
  readonly link: Link
  readonly bearer: string
  /** Who dialled, as `kind:name`. */
  readonly principal: string
  /** Another mcpd asks for its client; that is not passed on once more. */
  readonly relayed: boolean
}

/** The links of MCP clients: served where the instances run, passed on to there from any other mcpd. */
export const clientLinks = (deps: {
  readonly place: Lease['place']
  readonly logger: Logger
  readonly serveHere: (client: ClientLink) => void
}) => {
  const closing = new AbortController()

  const passOn = async (url: string, { project, link, bearer }: ClientLink): Promise<void> => {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(DIAL_MS)])
    const dialer = webSocketDialer({ server: url, logger: deps.logger, headers: { [RELAYED_HEADER]: '1' } })
    try {
      joinLinks(link, await dialer.dial(project, bearer, { signal }), closing.signal)
    } catch (error) {
      // Its client dials again, and finds the servers wherever they are by then.
      link.close({ code: 'lost', reason: messageOf(error) })
    }
  }

  return {
    serve(client: ClientLink): void {
      const place = deps.place()
      const { link, relayed } = client
      if (place === 'here') deps.serveHere(client)
      else if (place === 'nowhere' || relayed) link.close({ code: 'lost', reason: 'the servers are just moving' })
      else void passOn(place.url, client)
    },
    close(): void {
      closing.abort()
    },
  }
}
