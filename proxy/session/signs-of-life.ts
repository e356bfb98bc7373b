import { isObject } from '../../domain/kernel/json.ts'
import type { RpcResponse } from '../../domain/mcp/rpc.ts'
import { rpcCode } from '../../domain/mcp/rpc.ts'

/** mcpd's words for a server that was not reached, or was lost with the call. */
const DEAD = new Set(['server-ended', 'server-unavailable', 'server-not-reading', 'no-answer', 'server-timeout'])

/**
 * What a response says of the server: a result, or an error of its own, comes from one that lives. mcpd's own errors say that it does not,
 * or, where they are about limits, credentials and the like, nothing.
 */
export const signOf = ({ error }: RpcResponse): 'alive' | 'dead' | 'none' => {
  if (error === undefined) return 'alive'
  const isOurs = error.code === rpcCode.unreachable || error.code === rpcCode.timeout
  const code = isOurs && isObject(error.data) ? error.data.code : undefined
  if (typeof code !== 'string') return 'alive'
  return DEAD.has(code) ? 'dead' : 'none'
}
