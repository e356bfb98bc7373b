import { messageOf } from '../../domain/kernel/errors.ts'
import { isObject, type JsonObject, type JsonValue, nestsDeeperThan } from '../../domain/kernel/json.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { beginningOfLong, longResultOf } from '../../domain/mcp/long-answer.ts'
import {
  isId,
  isRequest,
  isResponse,
  type RpcError,
  type RpcId,
  type RpcRequest,
  rpcCode,
} from '../../domain/mcp/rpc.ts'
import { RpcFault } from './errors.ts'

const isRpcError = (error: unknown): boolean =>
  isObject(error) && Number.isInteger(error.code) && typeof error.message === 'string'

const RELATED_TASK = 'io.modelcontextprotocol/related-task'

/** Servers made with the SDK drop a request with a wrong `_meta` without a word, so its client would wait for ever. */
const wrongWithMeta = (meta: JsonValue): string | undefined => {
  if (!isObject(meta)) return 'params._meta must be an object'
  const { progressToken: token, [RELATED_TASK]: related } = meta
  if (token !== undefined && !isId(token)) return 'params._meta.progressToken must be a string or a number'
  if (related !== undefined && (!isObject(related) || typeof related.taskId !== 'string'))
    return `params._meta[${JSON.stringify(RELATED_TASK)}] must be an object with a string taskId`
  return undefined
}

const REQUEST_MEMBERS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'method', 'params'])
const RESPONSE_MEMBERS: ReadonlySet<string> = new Set(['jsonrpc', 'id', 'result', 'error'])
/** How much of a name that a client made up is said back to it. */
const MAX_SHOWN = 64

/**
 * Members that JSON-RPC does not know. The same servers drop a message with one, too; others would take it. A misspelt `params` is likelier
 * than an extension, for which MCP has `_meta`: so it is refused by name, rather than left out or sent on.
 */
const unknownMember = (value: JsonObject, known: ReadonlySet<string>): string | undefined => {
  for (const name of Object.keys(value))
    if (!known.has(name))
      return `${JSON.stringify(name.slice(0, MAX_SHOWN))} is not a member of a JSON-RPC message; what is not in MCP belongs in params._meta`
  return undefined
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
    const wrong = params?._meta === undefined ? undefined : wrongWithMeta(params._meta)
    return wrong ?? unknownMember(value, REQUEST_MEMBERS)
  }
  if (id === undefined) return 'neither a method nor an id'
  if ((value.result === undefined) === (value.error === undefined)) return 'exactly one of result and error is needed'
  if (value.result !== undefined && !isObject(value.result)) return 'result must be an object'
  if (value.error !== undefined && !isRpcError(value.error)) return 'error must have an integer code and a message'
  return unknownMember(value, RESPONSE_MEMBERS)
}

const invalid = (why: string, id?: RpcId): RpcFault =>
  new RpcFault({ code: rpcCode.invalidRequest, message: `Invalid request: ${why}` }, id)

/** Takes a parsed JSON value as one MCP message, or says what is wrong with it: -32600. */
const asMessage = (value: unknown): RpcMessage | RpcFault => {
  const wrong = isObject(value) ? wrongWith(value) : 'a message is a JSON object'
  return wrong === undefined ? (value as RpcMessage) : invalid(wrong, idOf(value))
}

/** Several messages in one text, as revision 2025-03-26 has them; what is wrong with one is wrong with that one only. */
export class Batch {
  readonly messages: readonly RpcMessage[]
  /** Answers to what was no message. */
  readonly faults: readonly string[]

  constructor(parts: readonly (RpcMessage | RpcFault)[]) {
    this.messages = parts.flatMap((part) => (part instanceof RpcFault ? [] : [part]))
    this.faults = parts.flatMap((part) => (part instanceof RpcFault ? [errorText(part.error, part.id)] : []))
  }

  /** Those of the messages that want an answer. */
  get requests(): readonly RpcRequest[] {
    return this.messages.filter(isRequest)
  }
}

/** The one revision that has batches. */
const BATCH_VERSION = '2025-03-26'

/** Why a client that has agreed on `version` may not send batches, or undefined. */
export const batchRefused = (version: string | undefined): RpcError | undefined =>
  version === BATCH_VERSION
    ? undefined
    : invalid(
        `batches are part of revision ${BATCH_VERSION} only${version === undefined ? '' : `, this session speaks ${version}`}; send one message at a time`,
      ).error

/** Most messages of a batch. */
const MAX_BATCH = 100

const asBatch = (values: readonly unknown[]): Batch => {
  if (values.length === 0) throw invalid('a batch must not be empty')
  if (values.length > MAX_BATCH)
    throw invalid(`a batch has at most ${MAX_BATCH} messages, this one has ${values.length}`)
  return new Batch(values.map(asMessage))
}

/** Deepest JSON that is taken: writing it again takes a stack frame a level. */
const MAX_DEPTH = 500

/**
 * Parses one JSON text of a client as one MCP message, or as a batch of them: whether it may send one is its session's to say.
 * @throws RpcFault -32700 for what is no JSON, -32600 for what is no message, a batch of none or too many, or nested deeper than `MAX_DEPTH`
 */
export const parseMessage = (text: string): RpcMessage | Batch => {
  if (text.length > 2 * MAX_DEPTH && nestsDeeperThan(text, MAX_DEPTH)) throw invalid(`nested deeper than ${MAX_DEPTH}`)
  let value: JsonValue
  try {
    value = JSON.parse(text)
  } catch (error) {
    const why = messageOf(error)
    throw new RpcFault({ code: rpcCode.parseError, message: `Parse error: ${why.slice(0, 200)}` })
  }
  if (Array.isArray(value)) return asBatch(value)
  const message = asMessage(value)
  if (message instanceof RpcFault) throw message
  return message
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
  const long = longResultOf(message)
  if (long !== undefined) return `${beginningOfLong(message.id)}${long.toString()}}`
  try {
    return JSON.stringify(message)
  } catch {
    const error = { code: rpcCode.internal, message: 'The answer is nested too deep to be passed on' }
    return isResponse(message) ? errorText(error, message.id) : undefined
  }
}
