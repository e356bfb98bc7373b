import type { JsonObject } from '../kernel/json.ts'
import type { RpcMessage } from './link.ts'
import type { RpcId, RpcResponse } from './rpc.ts'

/** From how many bytes on an answer is passed on without being read. */
export const LONG_ANSWER_BYTES = 256 * 1024

const longResults = new WeakMap<RpcMessage, Buffer>()

/** The result of an answer as its server wrote it, in UTF-8 and on one line, where the answer is a long one. */
export const longResultOf = (answer: RpcMessage): Buffer | undefined => longResults.get(answer)

/**
 * An answer whose result is JSON that nobody has read. Who looks at `result` has it parsed then; undefined if it is no JSON
 * after all. Who sets another has an ordinary answer. Who passes it on takes `longResultOf` and `withId`, and spends nothing on it.
 */
export const longAnswer = (id: RpcId, long: Buffer): RpcResponse => {
  let parsed: { readonly result: JsonObject | undefined } | undefined
  const answer = {
    jsonrpc: '2.0' as const,
    id,
    get result(): JsonObject {
      parsed ??= { result: parse(long) }
      return parsed.result as JsonObject // undefined only for what is no JSON: such a result is none
    },
    set result(value: JsonObject) {
      longResults.delete(answer)
      Object.defineProperty(answer, 'result', { value, writable: true, enumerable: true, configurable: true })
    },
  }
  longResults.set(answer, long)
  return answer
}

const parse = (long: Buffer): JsonObject | undefined => {
  try {
    return JSON.parse(long.toString('utf8'))
  } catch {
    return undefined // as its client will find out, too
  }
}

/** What stands before the result where a long answer is written; after it stands a brace. */
export const beginningOfLong = (id: RpcId | undefined): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`

/** The same answer under another id. */
export const withId = (answer: RpcResponse, id: RpcId): RpcResponse => {
  const long = longResultOf(answer)
  return long === undefined ? { ...answer, id } : longAnswer(id, long)
}

/** Whether a tool has answered that it failed. */
export const isToolError = (answer: RpcMessage): boolean =>
  longResultOf(answer) === undefined && answer.result?.isError === true

/** Whether a request was answered with a task that goes on. A long answer is no such thing. */
export const beginsTask = (answer: RpcMessage): boolean =>
  longResultOf(answer) === undefined && typeof answer.result?.task === 'object' && answer.result.task !== null

/** How much of the beginning and of the end of an answer is looked at. */
const EDGE_BYTES = 512
const ID = String.raw`(-?(?:0|[1-9]\d{0,15})|"[^"\\\x00-\x1f]*")`
const VERSION = String.raw`"jsonrpc"\s*:\s*"2\.0"`
/** The id first, as most write it … */
const ID_FIRST = new RegExp(String.raw`^\{\s*${VERSION}\s*,\s*"id"\s*:\s*${ID}\s*,\s*"result"\s*:\s*(?=\{)`)
const RESULT_LAST = /\}(\s*\}\s*)$/
/** … or last, as the TypeScript SDK does. */
const RESULT_FIRST = /^\{\s*"result"\s*:\s*(?=\{)/
const ID_LAST = new RegExp(String.raw`\}(\s*,\s*${VERSION}\s*,\s*"id"\s*:\s*${ID}\s*\}\s*)$`)

/**
 * Takes the bytes of an answer, UTF-8, for what they are without parsing them. Its members are known by its beginning and
 * its end; what is between is one object if it is JSON at all, so nothing in it can pass for another member, or for more
 * than one line, wherever it is written to.
 * @returns undefined for whatever does not look so, and for what a tool failed with: that is to be parsed
 */
export const readLongAnswer = (bytes: Buffer): RpcResponse | undefined => {
  const head = bytes.toString('utf8', 0, EDGE_BYTES)
  const tail = bytes.toString('utf8', Math.max(bytes.length - EDGE_BYTES, 0))
  const idFirst = ID_FIRST.exec(head)
  const begin = idFirst ?? RESULT_FIRST.exec(head)
  const end = idFirst === null ? ID_LAST.exec(tail) : RESULT_LAST.exec(tail)
  const id = idFirst?.[1] ?? end?.[2]
  if (begin === null || end === null || id === undefined) return undefined
  const result = bytes.subarray(Buffer.byteLength(begin[0]), bytes.length - Buffer.byteLength(end[1] ?? ''))
  return isOneLine(result) && isOneObject(result) && !saysError(result) ? longAnswer(JSON.parse(id), result) : undefined
}

const [QUOTE, BACKSLASH, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Buffer.from('"\\[]{}')

/** As STDIO and server-sent events count lines: a carriage return, which JSON allows between its tokens, ends one, too. */
const isOneLine = (bytes: Buffer): boolean => !bytes.includes('\n') && !bytes.includes('\r')

/** Whether the first bracket is closed by the last byte, not before. */
const isOneObject = (bytes: Buffer): boolean => {
  let depth = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      at = endOfText(bytes, at + 1)
      if (at < 0) return false
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
      depth -= 1
      if (depth === 0) return at === bytes.length - 1
    }
  }
  return false
}

/** Most bytes of a text that are looked at one by one: then the next quote is searched for, which is faster over long ways only. */
const NEAR_BYTES = 256

/** Where the quote is that ends a text; -1 if none does. */
const endOfText = (bytes: Buffer, from: number): number => {
  let at = from
  for (;;) {
    const near = Math.min(at + NEAR_BYTES, bytes.length)
    for (; at < near; at += 1) {
      const byte = bytes[at]
      if (byte === QUOTE) return at
      if (byte === BACKSLASH) at += 1
    }
    const quote = bytes.indexOf('"', at)
    if (quote < 0) return -1
    let escapes = 0
    while (quote - escapes > at && bytes[quote - escapes - 1] === BACKSLASH) escapes += 1
    if (escapes % 2 === 0) return quote
    at = quote + 1
  }
}

const IS_ERROR = Buffer.from('"isError"')
/** What may follow the name where nothing failed: false. */
const NO_ERROR = /^\s*:\s*f/
/** Enough for the value and what may stand before it. */
const MEMBER_BYTES = 64

/** Whether a member `isError` may be in it that is not false. Within a text its quotes would be escaped. */
const saysError = (bytes: Buffer): boolean => {
  for (let at = bytes.indexOf(IS_ERROR); at >= 0; at = bytes.indexOf(IS_ERROR, at + 1)) {
    const value = at + IS_ERROR.length
    if (!NO_ERROR.test(bytes.toString('latin1', value, value + MEMBER_BYTES))) return true
  }
  return false
}
