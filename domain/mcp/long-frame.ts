import type { LinkFrame } from './link.ts'
import { beginningOfLong, LONG_ANSWER_BYTES, longResultOf, readLongAnswer } from './long-answer.ts'

/** The frame that carries a long answer, as the bytes of its JSON, in parts so that none is copied. Undefined for any other frame. */
export const writeLongFrame = (frame: LinkFrame): readonly Buffer[] | undefined => {
  const result = frame.type === 'message' ? longResultOf(frame.message) : undefined
  if (frame.type !== 'message' || result === undefined) return undefined
  const { server, message } = frame
  const begin = `{"type":"message","server":${JSON.stringify(server)},"message":${beginningOfLong(message.id)}`
  return [Buffer.from(begin), result, Buffer.from('}}')]
}

/** How much of a frame's beginning is looked at. */
const HEAD_BYTES = 512
const HEAD = /^\{"type":"message","server":"([^"\\]+)","message":(?=\{)/
const CLOSING_BRACE = 0x7d
/** What stood around the result is not sent along: the frame of a long answer may be a little shorter than that was. */
const MIN_BYTES = LONG_ANSWER_BYTES / 2

/** A frame that carries a long answer, its result unread. Undefined for any other frame: that is to be parsed. */
export const readLongFrame = (bytes: Buffer): LinkFrame | undefined => {
  if (bytes.length < MIN_BYTES || bytes.at(-1) !== CLOSING_BRACE) return undefined
  const [head, server] = HEAD.exec(bytes.toString('utf8', 0, HEAD_BYTES)) ?? []
  if (head === undefined || server === undefined) return undefined
  const message = readLongAnswer(bytes.subarray(Buffer.byteLength(head), -1))
  return message === undefined ? undefined : { type: 'message', server, message }
}
