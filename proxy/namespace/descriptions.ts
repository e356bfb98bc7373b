import { SERVER_SEPARATOR } from '../../domain/mcp/exposed-name.ts'
import type { LinkedProject } from '../../domain/mcp/link.ts'

/** A description under which a tool or prompt is offered: with `[server]` before it where that is wanted. */
export const describedWithServer = (
  { describeServers = 'auto', servers }: Pick<LinkedProject, 'describeServers' | 'servers'>,
  server: string,
  name: string,
  description: string | undefined,
): string | undefined => {
  const isTold = servers.length === 1 || name.startsWith(`${server}${SERVER_SEPARATOR}`)
  if (describeServers === 'never' || (describeServers === 'auto' && isTold)) return description
  return description === undefined ? `[${server}]` : `[${server}] ${description}`
}
