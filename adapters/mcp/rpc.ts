import { isObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { isId } from '../../domain/mcp/rpc.ts'

/** A message that was parsed here and belongs to nobody else yet: its id and params may be rewritten in place. */
export type OwnMessage = { -readonly [Key in keyof RpcMessage]: RpcMessage[Key] }

/** Whether a parsed line is a JSON-RPC message: its id, method and error are what they must be. The rest is for its reader to say. */
export const isRpcMessage = (value: unknown): value is OwnMessage => {
  if (!isObject(value) || value.jsonrpc !== '2.0') return false
  const { id, method, error } = value
  if (id !== undefined && id !== null && !isId(id)) return false
  if (method !== undefined) return typeof method === 'string'
  return id !== undefined && (error === undefined || error === null || isError(error))
}

const isError = (error: JsonValue): boolean =>
  isObject(error) && typeof error.code === 'number' && typeof error.message === 'string'

/** A field of something parsed, if it is a text. */
export const textOf = (value: JsonValue | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined
