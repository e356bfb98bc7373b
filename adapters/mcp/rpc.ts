import { isObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'

/** A message that was parsed here and belongs to nobody else yet: its id and params may be rewritten in place. */
export type OwnMessage = { -readonly [Key in keyof RpcMessage]: RpcMessage[Key] }

/** Whether a parsed line is a JSON-RPC message at all. What is wrong inside it is for its reader to say. */
export const isRpcMessage = (value: unknown): value is OwnMessage =>
  isObject(value) && value.jsonrpc === '2.0' && (typeof value.method === 'string' || 'id' in value)

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
