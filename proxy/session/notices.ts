import { type LogLevel, reaches } from '../../domain/mcp/log-levels.ts'
import { notification, type RpcNotification } from '../../domain/mcp/rpc.ts'

/** What a client that wants log messages of this level is told of a server that is not there; undefined if it wants none of these. */
export const unavailableNotice = (
  wanted: LogLevel | undefined,
  server: string,
  reason: string,
): RpcNotification | undefined => {
  if (wanted === undefined || !reaches('warning', wanted)) return undefined
  const data = { message: `Server ${server} is unavailable`, server, reason }
  return notification('notifications/message', { level: 'warning', logger: 'mcpctl', data })
}
