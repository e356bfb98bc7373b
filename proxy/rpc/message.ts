import { messageOf } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject, type JsonValue, nestsDeeperThan } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { isId, isResponse, type RpcError, type RpcId, rpcCode } from '../../domain/mcp/rpc.ts'
import { RpcFault } from './errors.ts'

const isRpcError = (error: unknown): boolean =>
  isObject(error) && typeof error.code === 'number' && typeof error.message === 'string'

/** Servers made with the SDK drop a request with a wrong `_meta` without a word, so its client would wait for ever. */
const wrongWithMeta = (meta: JsonValue): string | undefined => {
  if (!isObject(meta)) return 'params._meta must be an object'
  const token = meta.progressToken
  return token === undefined || isId(token) ? undefined : 'params._meta.progressToken must be a string or a number'
}

/** What is wrong with a value as a JSON-RPC message of MCP, or undefined. Written out: it runs for every message. */
const wrongWith = (value: JsonObject): string | undefined => {
  if (value.jsonrpc !== '2.0') return 'jsonrpc must be "2.0"'
  const { id, method, params } = value
  if (id !== undefined && !isId(id)) return 'id must be a string or a number'
  if (method !== undefined) {
    if (typeof method !== 'string' || method === '') return 'method must be a string'
    if (params !== undefined && !isObject(params)) return 'params must be an object'
    if (value.result !== undefined || value.error !== undefined) return 'a message has either a method or a result'
    return params?._meta === undefined ? undefined : wrongWithMeta(params._meta)
  }
  if (id === undefined) return 'neither a method nor an id'
  if ((value.result === undefined) === (value.error === undefined)) return 'exactly one of result and error is needed'
  if (value.result !== undefined && !isObject(value.result)) return 'result must be an object'
  if (value.error !== undefined && !isRpcError(value.error)) return 'error must have a numeric code and a message'
  return undefined
}

/**
 * Takes a parsed JSON value as one MCP message; fields that JSON-RPC does not know stay in it.
 * @throws RpcFault -32600 that says what is wrong
 */
const asMessage = (value: unknown): RpcMessage => {
  if (Array.isArray(value))
    throw new RpcFault({
      code: rpcCode.invalidRequest,
      message: 'Invalid request: batches are not supported, send one message at a time',
    })
  const wrong = isObject(value) ? wrongWith(value) : 'a message is a JSON object'
  if (wrong !== undefined)
    throw new RpcFault({ code: rpcCode.invalidRequest, message: `Invalid request: ${wrong}` }, idOf(value))
  return value as RpcMessage
}

/** Deepest JSON that is taken: writing it again takes a stack frame a level. */
const MAX_DEPTH = 500

/**
 * Parses one JSON text as one MCP message.
 * @throws RpcFault -32700 for what is no JSON, -32600 for what is no message or nested deeper than `MAX_DEPTH`
 */
export const parseMessage = (text: string): RpcMessage => {
  if (text.length > 2 * MAX_DEPTH && nestsDeeperThan(text, MAX_DEPTH))
    throw new RpcFault({ code: rpcCode.invalidRequest, message: `Invalid request: nested deeper than ${MAX_DEPTH}` })
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch (error) {
    const why = messageOf(error)
    throw new RpcFault({ code: rpcCode.parseError, message: `Parse error: ${why.slice(0, 200)}` })
  }
  return asMessage(value)
}

/** The id of something that may be a message, for the error that answers it. */
const idOf = (value: unknown): RpcId | undefined => (isObject(value) && isId(value.id) ? value.id : undefined)

/** An error that answers no request we could name: JSON-RPC wants `id: null` there, which no message of MCP has. */
export const errorText = (error: RpcError, id: RpcId | null = null): string =>
  JSON.stringify({ jsonrpc: '2.0', id, error })

/**
 * A message as text. What a server nests too deep to be written again becomes an error if it is an answer, which somebody waits for, and
 * undefined if not.
 */
export const messageText = (message: RpcMessage): string | undefined => {
  try {
    return JSON.stringify(message)
  } catch {
    const error = { code: rpcCode.internal, message: 'The answer is nested too deep to be passed on' }
    return isResponse(message) ? errorText(error, message.id) : undefined
  }
}
