import { isObject } from '../../domain/kernel/json.ts'
import {
  type LinkClient,
  type LinkedProject,
  type LinkFrame,
  MAX_LINK_FRAME,
  type RpcMessage,
} from '../../domain/mcp/link.ts'

/** What a `WebSocketServer` or client of a link is made with: compression costs more than it saves on one machine. */
export const linkSocketOptions = { perMessageDeflate: false, maxPayload: MAX_LINK_FRAME } as const

/** A frame, or in one sentence what is wrong with it. Written out: it runs for every message. */
export const parseFrame = (text: string): LinkFrame | string => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'a frame is not JSON'
  }
  if (!isObject(value)) return 'a frame is not an object'
  if (value.type === 'message') return messageFrame(value)
  if (value.type === 'project') return projectFrame(value)
  if (value.type === 'client') return clientFrame(value)
  return 'a frame has an unknown type'
}

const messageFrame = ({ server, message }: Readonly<Record<string, unknown>>): LinkFrame | string => {
  if (typeof server !== 'string') return 'a message frame names no server'
  const wrong = wrongWith(message)
  return wrong ?? { type: 'message', server, message: message as RpcMessage }
}

const wrongWith = (message: unknown): string | undefined => {
  if (!isObject(message) || message.jsonrpc !== '2.0') return 'a message is not JSON-RPC 2.0'
  const { id, method, params } = message
  if (id !== undefined && typeof id !== 'string' && typeof id !== 'number')
    return 'the id of a message is neither text nor number'
  if (method === undefined && id === undefined) return 'a message has neither method nor id'
  if (method !== undefined && typeof method !== 'string') return 'the method of a message is no text'
  if (params !== undefined && !isObject(params)) return 'the params of a message are no object'
  return undefined
}

const projectFrame = ({ project }: Readonly<Record<string, unknown>>): LinkFrame | string =>
  isObject(project) && typeof project.name === 'string' && Array.isArray(project.servers)
    ? { type: 'project', project: project as unknown as LinkedProject }
    : 'a project frame holds no project'

const clientFrame = ({ client }: Readonly<Record<string, unknown>>): LinkFrame | string =>
  isObject(client) &&
  isObject(client.capabilities) &&
  isObject(client.clientInfo) &&
  (client.protocolVersion === undefined || typeof client.protocolVersion === 'string')
    ? { type: 'client', client: client as unknown as LinkClient }
    : 'a client frame holds no client'

/** What is sent when a frame cannot be: an answer becomes an error, anything else is left out. */
export const substitute = (frame: LinkFrame, why: string): LinkFrame | undefined => {
  if (frame.type !== 'message' || frame.message.id === undefined || frame.message.method !== undefined) return undefined
  const error = { code: -32000, message: `The answer cannot be passed on: ${why}`, data: { code: 'unsendable-answer' } }
  return { type: 'message', server: frame.server, message: { jsonrpc: '2.0', id: frame.message.id, error } }
}
