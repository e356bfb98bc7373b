import type { LinkFrame } from './link.ts'
import { LONG_ANSWER_BYTES, type LongText, longResultOf, longText, readLongAnswer } from './long-answer.ts'

/** The frame that carries a long answer, as the bytes of its JSON. Undefined for any other frame. */
export const writeLongFrame = (frame: LinkFrame): LongText | undefined => {
  const result = frame.type === 'message' ? longResultOf(frame.message) : undefined
  if (frame.type !== 'message' || result === undefined) return undefined
  const { server, message } = frame
  const begin = `{"type":"message","server":${JSON.stringify(server)},"message":{"jsonrpc":"2.0","id":${JSON.stringify(message.id)},"result":`
  return longText([Buffer.from(begin), ...result.chunks, Buffer.from('}}')])
}

/** How much of a frame's beginning is looked at. */
const HEAD_BYTES = 512
const HEAD = /^\{"type":"message","server":"([^"\\]+)","message":(?=\{)/
const CLOSING_BRACE = 0x7d

/** A frame that carries a long answer, its result unread. Undefined for any other frame: that is to be parsed. */
export const readLongFrame = (bytes: Buffer): LinkFrame | undefined => {
  if (bytes.length < LONG_ANSWER_BYTES || bytes.at(-1) !== CLOSING_BRACE) return undefined
  const [head, server] = HEAD.exec(bytes.toString('utf8', 0, HEAD_BYTES)) ?? []
  if (head === undefined || server === undefined) return undefined
  const message = readLongAnswer(longText([bytes.subarray(Buffer.byteLength(head), -1)]))
  return message === undefined ? undefined : { type: 'message', server, message }
}
