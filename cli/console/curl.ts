import type { JsonObject } from '../../domain/kernel/json.ts'
import { isObject } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { neutralJson } from '../output/neutral.ts'
import type { Entry } from './filter.ts'

/** A request as a client sends it: what can be sent again. */
export interface Repeatable {
  readonly method: string
  readonly params: JsonObject | undefined
}

/** The request in an entry, or in a sentence why there is none that can be sent again. */
export const repeatable = ({ record }: Entry): Repeatable | string => {
  const { side, direction, method, id, message } = record
  if (side !== 'client' || direction !== 'to-server' || method === undefined || id === undefined)
    return 'Only requests of clients can be repeated'
  if (method === 'initialize') return 'A session is initialized once'
  if (message === undefined) return 'The message was too large to be shown whole'
  return { method, params: withoutToken(message) }
}

/** Progress would go to a request that somebody else has sent. */
const withoutToken = ({ params }: RpcMessage): JsonObject | undefined => {
  if (params === undefined || !isObject(params._meta)) return params
  const { progressToken: _, ...meta } = params._meta
  const { _meta: __, ...rest } = params
  return Object.keys(meta).length === 0 ? rest : { ...rest, _meta: meta }
}

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'curl', version: '1' } },
}

/**
 * A request as a shell script with curl: a session is opened for it, and ended. The token is `$MCPCTL_TOKEN`.
 * @param endpoint of the project at mcplocal
 */
export const curlScript = (endpoint: string, { method, params }: Repeatable): string => {
  const request = { jsonrpc: '2.0', id: 1, method, ...(params === undefined ? {} : { params }) }
  return `: "\${MCPCTL_TOKEN:?set it to a token of mcpd}"
url=${quoted(endpoint)}
mcp() {
  curl -sS "$url" -H "Authorization: Bearer $MCPCTL_TOKEN" -H 'Content-Type: application/json' \\
    -H 'Accept: application/json, text/event-stream' "$@"
}
session=$(mcp -D - -o /dev/null --data-raw ${quoted(jsonText(INITIALIZE))} |
  tr -d '\\r' | sed -n 's/^[Mm][Cc][Pp]-[Ss][Ee][Ss][Ss][Ii][Oo][Nn]-[Ii][Dd]: //p')
mcp -H "Mcp-Session-Id: $session" --data-raw ${quoted(jsonText(request))}
mcp -H "Mcp-Session-Id: $session" -X DELETE
`
}

/** One word of a shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

/** JSON in which a terminal, or who pastes it into one, meets nothing unseen. */
const jsonText = (value: unknown): string => neutralJson(JSON.stringify(value))
