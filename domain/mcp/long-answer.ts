import type { JsonObject } from '../kernel/json.ts'
import type { RpcMessage } from './link.ts'
import type { RpcId, RpcResponse } from './rpc.ts'

/** From how many bytes on an answer is passed on without being read. */
export const LONG_ANSWER_BYTES = 256 * 1024

/** One long line of JSON as it came, cut anywhere. */
export interface LongText {
  readonly chunks: readonly Buffer[]
  readonly bytes: number
}

export const longText = (chunks: readonly Buffer[]): LongText => ({
  chunks,
  bytes: chunks.reduce((sum, { length }) => sum + length, 0),
})

export const textOfLong = ({ chunks, bytes }: LongText): string => Buffer.concat(chunks, bytes).toString('utf8')

const longResults = new WeakMap<RpcMessage, LongText>()

/** The result of an answer as its server wrote it, where the answer is a long one. */
export const longResultOf = (answer: RpcMessage): LongText | undefined => longResults.get(answer)

/**
 * An answer whose result is JSON that nobody has read. Who looks at `result` has it parsed then; undefined if it is no JSON
 * after all. Who sets another has an ordinary answer. Who passes it on takes `longResultOf` and `withId`, and spends nothing on it.
 */
export const longAnswer = (id: RpcId, long: LongText): RpcResponse => {
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

const parse = (long: LongText): JsonObject | undefined => {
  try {
    return JSON.parse(textOfLong(long))
  } catch {
    return undefined // as its client will find out, too
  }
}

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

const ID = String.raw`(-?\d+|"[^"\\]*")`
const VERSION = String.raw`"jsonrpc"\s*:\s*"2\.0"`
/** The id first, as most write it … */
const ID_FIRST = new RegExp(String.raw`^\{\s*${VERSION}\s*,\s*"id"\s*:\s*${ID}\s*,\s*"result"\s*:\s*(?=\{)`)
const RESULT_LAST = /\}(\s*\}\s*)$/
/** … or last, as the TypeScript SDK does. */
const RESULT_FIRST = /^\{\s*"result"\s*:\s*(?=\{)/
const ID_LAST = new RegExp(String.raw`\}(\s*,\s*${VERSION}\s*,\s*"id"\s*:\s*${ID}\s*\}\s*)$`)

/**
 * Takes the bytes of an answer for what they are, by their beginning and their end alone: if they are JSON, then these are
 * the members of the answer itself, for neither an unescaped quote nor a brace stands there by accident. What is between is
 * passed on as it is.
 * @returns undefined for whatever does not look so, and for what a tool failed with: that is to be parsed
 */
export const readLongAnswer = ({ chunks, bytes }: LongText): RpcResponse | undefined => {
  const head = edge(chunks, 0, EDGE_BYTES)
  const tail = edge(chunks, bytes - EDGE_BYTES, bytes)
  const idFirst = ID_FIRST.exec(head)
  const begin = idFirst ?? RESULT_FIRST.exec(head)
  const end = idFirst === null ? ID_LAST.exec(tail) : RESULT_LAST.exec(tail)
  const id = idFirst?.[1] ?? end?.[2]
  if (begin === null || end === null || id === undefined) return undefined
  const result = slice(chunks, Buffer.byteLength(begin[0]), bytes - Buffer.byteLength(end[1] ?? ''))
  return saysError(result) ? undefined : longAnswer(JSON.parse(id), longText(result))
}

const edge = (chunks: readonly Buffer[], from: number, to: number): string =>
  Buffer.concat(slice(chunks, Math.max(from, 0), to)).toString('utf8')

const slice = (chunks: readonly Buffer[], from: number, to: number): readonly Buffer[] => {
  const parts: Buffer[] = []
  let at = 0
  for (const chunk of chunks) {
    const [start, end] = [Math.max(from - at, 0), Math.min(to - at, chunk.length)]
    if (start < end) parts.push(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
    at += chunk.length
  }
  return parts
}

const IS_ERROR = Buffer.from('"isError"')
/** What may follow the name where nothing failed: false, or the end of what is looked at. */
const NO_ERROR = /^\s*(?:$|:\s*(?:$|f))/
/** Enough for the name, its value and what may stand between. */
const MEMBER_BYTES = 64

/** Whether a member `isError` may be in it that is not false. Within a text its quotes would be escaped. */
const saysError = (chunks: readonly Buffer[]): boolean => {
  let before: Buffer = Buffer.alloc(0)
  for (const chunk of chunks) {
    const seam = Buffer.concat([before, chunk.subarray(0, MEMBER_BYTES)])
    if (found(seam) || found(chunk)) return true
    before = chunk.length < MEMBER_BYTES ? seam.subarray(-MEMBER_BYTES) : chunk.subarray(-MEMBER_BYTES)
  }
  return false
}

const found = (bytes: Buffer): boolean => {
  for (let at = bytes.indexOf(IS_ERROR); at >= 0; at = bytes.indexOf(IS_ERROR, at + 1)) {
    const value = at + IS_ERROR.length
    if (!NO_ERROR.test(bytes.toString('latin1', value, value + MEMBER_BYTES))) return true
  }
  return false
}
