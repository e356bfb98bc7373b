import { isUtf8 } from 'node:buffer'
import { readLongAnswer } from '../../domain/mcp/long-answer.ts'
import { isRpcMessage, type OwnMessage } from './rpc.ts'

/**
 * Reads one line of a server's stdout: a message, or several in an array as revision 2025-03-26 allowed. Everything
 * else (banners, log lines of the program's own) goes to `onRubbish`, and breaks nothing.
 *
 * @param parsed the line's JSON, where somebody has parsed it already
 */
export const readLine = (
  line: string,
  onMessage: (message: OwnMessage, line: string) => void,
  onRubbish: (line: string) => void,
  parsed: unknown = parse(line),
): void => {
  if (isRpcMessage(parsed)) onMessage(withoutNull(parsed), line)
  else if (Array.isArray(parsed) && parsed.length > 0 && parsed.every(isRpcMessage))
    for (const message of parsed) onMessage(withoutNull(message), line)
  else if (line.trim() !== '') onRubbish(line)
}

/** JSON-RPC 1.0 had `error: null` beside a result; 2.0 has no error there. */
const withoutNull = (message: OwnMessage): OwnMessage => {
  if (message.error === null) delete message.error
  return message
}

const BRACE = 0x7b
/** Cheaper than an exception for each line of prose: what does not begin like JSON is not parsed. */
const parse = (line: string): unknown => {
  if (line.charCodeAt(0) !== BRACE && !/^\s*[[{]/.test(line)) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined // no JSON: the caller treats it as rubbish, which is logged
  }
}

/** Reads a long line: an answer is passed on without being parsed, anything else as any other line. */
export const readLong = (
  bytes: Buffer,
  onAnswer: (answer: OwnMessage, bytes: Buffer) => void,
  onLine: (line: string) => void,
): void => {
  // What is no UTF-8 a link would be cut off for; as text, it gets characters that stand for what is wrong.
  const answer = isUtf8(bytes) ? readLongAnswer(bytes) : undefined
  if (answer === undefined) onLine(bytes.toString('utf8'))
  else onAnswer(answer, bytes)
}

/** What a message came in: a line, or the bytes of a long one. */
export type Source = string | Buffer

export const bytesOf = (source: Source): number => Buffer.byteLength(source)
