import type { JsonObject, JsonValue } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'

export type RpcId = string | number
export type RpcError = NonNullable<RpcMessage['error']>

/** A message that was parsed here and belongs to nobody else yet: its id and params may be rewritten in place. */
export type OwnMessage = { -readonly [Key in keyof RpcMessage]: RpcMessage[Key] }

/** JSON-RPC's and MCP's error codes, those that mcpd itself answers with. */
export const rpcCode = {
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  /** The server cannot be reached, or was lost while the call was under way. `data.code` says which, `data.reason` why. */
  unreachable: -32000,
} as const

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isId = (value: unknown): value is RpcId => typeof value === 'string' || typeof value === 'number'

/** Whether a parsed line is a JSON-RPC message at all. What is wrong inside it is for its reader to say. */
export const isRpcMessage = (value: unknown): value is OwnMessage =>
  isObject(value) && value.jsonrpc === '2.0' && (typeof value.method === 'string' || 'id' in value)

/** `params._meta.progressToken`, if there is a usable one. */
export const progressTokenOf = (params: JsonObject | undefined): RpcId | undefined => {
  const meta = params?._meta
  if (!isObject(meta)) return undefined
  return isId(meta.progressToken) ? meta.progressToken : undefined
}

/** The same params under another progress token. Only for params that have one. */
export const withProgressToken = (params: JsonObject | undefined, progressToken: RpcId): JsonObject => ({
  ...params,
  _meta: { ...(params?._meta as JsonObject), progressToken },
})

export const resultOf = (id: RpcId, result: JsonObject): RpcMessage => ({ jsonrpc: '2.0', id, result })
export const errorOf = (id: RpcId, error: RpcError): RpcMessage => ({ jsonrpc: '2.0', id, error })
export const notification = (method: string, params?: JsonObject): RpcMessage =>
  params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params }

/** A field of something parsed, if it is a text. */
export const textOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined

/** JSON of a message, or undefined if it nests deeper than the stack allows or is longer than a string can be. */
export const written = (message: RpcMessage): string | undefined => {
  try {
    return JSON.stringify(message)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
