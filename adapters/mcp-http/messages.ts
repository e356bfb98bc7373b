import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { isId, type RpcId } from '../../domain/mcp/rpc.ts'

/** The messages in a JSON text: one, or several in an array as revision 2025-03-26 allowed. Undefined if it is something else. */
export const messagesIn = (text: string): readonly JsonObject[] | undefined => {
  const parsed = parse(text)
  const all: readonly unknown[] = Array.isArray(parsed) ? parsed : [parsed]
  return all.length > 0 && all.every(isMessage) ? all : undefined
}

/** The id of the request that a message answers; undefined if it answers none. */
export const answeredId = ({ id, method }: JsonObject): RpcId | undefined =>
  method === undefined && isId(id) ? id : undefined

/** The same JSON on one line: what is no space to JSON stays as it is. */
export const onOneLine = (json: string): string => (/[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ').trim() : json)

const isMessage = (value: unknown): value is JsonObject => isObject(value) && value.jsonrpc === '2.0'

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no JSON, so no message: whoever asks says what that means
  }
}
