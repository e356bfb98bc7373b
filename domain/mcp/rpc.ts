import { isObject, type JsonObject } from '../kernel/json.ts'
import type { RpcMessage } from './link.ts'

export type RpcId = string | number
export type RpcRequest = RpcMessage & { readonly id: RpcId; readonly method: string }
export type RpcNotification = RpcMessage & { readonly method: string }
export type RpcResponse = RpcMessage & { readonly id: RpcId }

/** The `error` of a JSON-RPC response. `data.code` is our own stable word for it, `data.hint` what to do. */
export interface RpcError {
  readonly code: number
  readonly message: string
  readonly data?: JsonObject
}

/** JSON-RPC's and MCP's error codes, those that we answer with ourselves. */
export const rpcCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
  /** The way to the server is closed: it is unavailable, or it or the link was lost while the call was under way. `data.code` says which. */
  unreachable: -32000,
  timeout: -32001,
  resourceNotFound: -32002,
} as const

export const isId = (id: unknown): id is RpcId =>
  typeof id === 'string' || (typeof id === 'number' && Number.isFinite(id))

/** An id that we gave out, as it comes back; NaN for what is none. `Number` alone throws for objects made so. */
export const ownId = (id: unknown): number => (isId(id) ? Number(id) : Number.NaN)

export const isRequest = (message: RpcMessage): message is RpcRequest =>
  message.method !== undefined && message.id !== undefined
export const isResponse = (message: RpcMessage): message is RpcResponse =>
  message.method === undefined && message.id !== undefined

export const resultOf = (id: RpcId, result: JsonObject): RpcResponse => ({ jsonrpc: '2.0', id, result })
export const errorOf = (id: RpcId, error: RpcError): RpcResponse => ({ jsonrpc: '2.0', id, error })
export const notification = (method: string, params?: JsonObject): RpcNotification =>
  params === undefined ? { jsonrpc: '2.0', method } : { jsonrpc: '2.0', method, params }

/** `params._meta.progressToken`, if there is a usable one. */
export const progressTokenOf = (params: JsonObject | undefined): RpcId | undefined => {
  const meta = params?._meta
  const token = isObject(meta) ? meta.progressToken : undefined
  return isId(token) ? token : undefined
}

/** The same params under another progress token. Only for params that have one. */
export const withProgressToken = (params: JsonObject | undefined, progressToken: RpcId): JsonObject => {
  const meta = params?._meta
  return { ...params, _meta: { ...(isObject(meta) ? meta : {}), progressToken } }
}
