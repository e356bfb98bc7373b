import { z } from 'zod'
import { isObject } from '../../domain/kernel/json.ts'
import type { LinkedProject, LinkFrame, RpcMessage } from '../../domain/mcp/link.ts'

const jsonObject = z.custom<LinkedProject['servers'][number]['initialize'] & object>(isObject, 'must be an object')

const linkedProject = z.object({
  name: z.string(),
  instructions: z.string().exactOptional(),
  namespacing: z.enum(['always', 'auto', 'never']),
  describeServers: z.enum(['auto', 'always', 'never']).exactOptional(),
  servers: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['ready', 'unavailable']),
      reason: z.string().exactOptional(),
      initialize: jsonObject.exactOptional(),
      tools: z
        .object({
          allow: z.array(z.string()).exactOptional(),
          deny: z.array(z.string()).exactOptional(),
          rename: z.record(z.string(), z.string()).exactOptional(),
          describe: z.record(z.string(), z.string()).exactOptional(),
        })
        .exactOptional(),
      sessions: z.enum(['shared', 'dedicated']).exactOptional(),
    }),
  ),
})

/**
 * Reads a frame that mcpd sent. A message is taken as it is: what is in it, mcpd has from a server, and the session looks at each field that it uses.
 * @throws Error for what is no frame
 */
export const parseFrame = (text: string): LinkFrame => {
  const frame: unknown = JSON.parse(text)
  if (!isObject(frame)) throw new Error('a frame is an object')
  if (frame.type === 'message') {
    const { server, message } = frame
    if (typeof server !== 'string' || !isObject(message) || message.jsonrpc !== '2.0')
      throw new Error('a message frame has a server and a JSON-RPC message')
    return { type: 'message', server, message: message as unknown as RpcMessage }
  }
  if (frame.type === 'project') return { type: 'project', project: linkedProject.parse(frame.project) }
  throw new Error('unknown type of frame')
}
