import type { RawData, WebSocket } from 'ws'
import { jsonText } from '../../domain/kernel/json.ts'
import { type Link, type LinkClosed, type LinkFrame, MAX_LINK_BUFFER, MAX_LINK_FRAME } from '../../domain/mcp/link.ts'
import { closeReason, linkCloseCode, linkClosedOf, MALFORMED_FRAME_CODE } from '../../domain/mcp/link-codes.ts'
import { writeLongFrame } from '../../domain/mcp/long-frame.ts'
import { parseFrame, substitute } from './frame.ts'
import { createInbox } from './inbox.ts'

/** How often a peer is asked whether it lives. */
export const HEARTBEAT_MS = 30_000
/** After so many intervals without a sign of life the link is lost. */
export const MAX_MISSED_BEATS = 2

export interface SocketLinkOptions {
  readonly heartbeatMs?: number
  readonly maxBufferBytes?: number
  readonly maxFrameBytes?: number
}

/**
 * One end of a link over an open WebSocket; make the sockets with `linkSocketOptions`. What the peer sends wrong closes
 * the link with the reason, and nothing of it is thrown.
 */
export const linkOverSocket = (socket: WebSocket, options: SocketLinkOptions = {}): Link => {
  const { maxBufferBytes = MAX_LINK_BUFFER, maxFrameBytes = MAX_LINK_FRAME } = options
  const inbox = createInbox()
  let error: Error | undefined
  /** Bytes of the long frame under way: a peer that reads one is not slow for what waits behind it. */
  let longFrame = 0

  const finish = (closed: LinkClosed, mine: boolean) => {
    stopHeartbeat()
    inbox.close(closed, { deliver: !mine })
  }

  const close = (closed: LinkClosed = { code: 'closed', reason: 'the link was closed' }) => {
    if (inbox.closed !== undefined) return
    finish(closed, true)
    socket.close(linkCloseCode[closed.code], closeReason(closed.reason))
  }

  /** For a peer that would not read a close frame either. */
  const cutOff = (closed: LinkClosed) => {
    if (inbox.closed !== undefined) return
    finish(closed, true)
    socket.terminate()
  }

  const malformed = (reason: string) => {
    if (inbox.closed !== undefined) return
    finish({ code: 'closed', reason: `the peer sent what is no frame: ${reason}` }, true)
    socket.close(MALFORMED_FRAME_CODE, closeReason(reason))
  }

  const stopHeartbeat = heartbeat(socket, options.heartbeatMs ?? HEARTBEAT_MS, () =>
    cutOff({ code: 'lost', reason: `the peer gave no sign of life ${MAX_MISSED_BEATS} times` }),
  )

  const receive = (data: RawData, isBinary: boolean) => {
    if (inbox.closed !== undefined) return
    const frame = isBinary ? 'a frame is binary' : parseFrame(data.toString())
    if (typeof frame === 'string') malformed(frame)
    else if (!inbox.push(frame)) cutOff({ code: 'slow', reason: 'frames were not taken' })
  }

  /** Sends what is so long, and keeps in mind the one that may be longer than what else may wait. */
  const put = (length: number, send: (sent?: () => void) => void) => {
    if (length <= maxBufferBytes || longFrame > 0) {
      send()
      return
    }
    const before = socket.bufferedAmount
    send(() => {
      longFrame = 0
    })
    longFrame = socket.bufferedAmount - before
  }

  socket.on('message', receive)
  socket.on('error', (cause: Error) => {
    error = cause // `close` follows
  })
  socket.on('close', (code: number, reason: Buffer) => {
    finish(error === undefined ? linkClosedOf(code, reason.toString()) : { code: 'lost', reason: error.message }, false)
  })

  return {
    send(frame) {
      if (inbox.closed !== undefined) return
      if (socket.bufferedAmount - longFrame > maxBufferBytes) {
        cutOff({ code: 'slow', reason: `the peer left more than ${maxBufferBytes} bytes unread` })
        return
      }
      const long = writeLongFrame(frame)
      const length = long === undefined ? 0 : lengthOf(long)
      if (long !== undefined && length <= maxFrameBytes) {
        put(length, (sent) => sendInParts(socket, long, sent))
        return
      }
      const text = serialised(frame, maxFrameBytes)
      if (text !== undefined) put(text.length, (sent) => socket.send(text, sent))
    },
    onFrame: inbox.onFrame,
    onClose: inbox.onClose,
    close,
  }
}

const lengthOf = (parts: readonly Buffer[]): number => parts.reduce((sum, { length }) => sum + length, 0)

/** One text frame in as many fragments as there are parts, so that nothing is copied. */
const sendInParts = (socket: WebSocket, parts: readonly Buffer[], sent?: () => void): void => {
  for (const [i, part] of parts.entries()) {
    const fin = i === parts.length - 1
    socket.send(part, { binary: false, fin }, fin ? sent : undefined)
  }
}

/** JSON of a frame; of an error instead if it is an answer that cannot be sent; undefined if nothing can. */
const serialised = (frame: LinkFrame, maxBytes: number): string | undefined => {
  const text = jsonText(frame)
  // A UTF-16 unit takes three bytes at most: only long texts need to be measured.
  const fits = text !== undefined && (text.length * 3 <= maxBytes || Buffer.byteLength(text) <= maxBytes)
  if (fits) return text
  const instead = substitute(
    frame,
    text === undefined ? 'it is nested too deep' : `it is bigger than ${maxBytes} bytes`,
  )
  return instead === undefined ? undefined : JSON.stringify(instead)
}

/** Pings until it is stopped. Whatever the peer sends is a sign of life. @returns stops it */
const heartbeat = (socket: WebSocket, everyMs: number, onDead: () => void): (() => void) => {
  let missed = 0
  const alive = () => {
    missed = 0
  }
  socket.on('pong', alive)
  socket.on('ping', alive)
  socket.on('message', alive)
  const timer = setInterval(() => {
    if (missed >= MAX_MISSED_BEATS) onDead()
    else if (socket.readyState === socket.OPEN) {
      missed++
      socket.ping()
    }
  }, everyMs)
  return () => clearInterval(timer)
}
