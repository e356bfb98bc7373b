import { type Answered, answeredAs } from '../../domain/mcp/call-facts.ts'
import type { RpcMessage } from '../../domain/mcp/link.ts'
import { beginningOfLong, longResultOf } from '../../domain/mcp/long-answer.ts'
import { isResponse, type RpcId, type RpcResponse } from '../../domain/mcp/rpc.ts'
import { messageText } from '../rpc/message.ts'
import type { FeedDirection, FeedSide, TrafficRecord } from './feed.ts'
import type { InspectorLimits } from './limits.ts'

interface Pending {
  readonly method: string
  readonly since: number
}

/** Makes records of one session's messages; answers are matched with the requests seen before. */
export class SessionRecords {
  readonly #session: string
  readonly #limits: Pick<InspectorLimits, 'messageBytes' | 'pending'>
  readonly #pending = new Map<string, Pending>()

  /** @param session its id, shortened */
  constructor(session: string, limits: Pick<InspectorLimits, 'messageBytes' | 'pending'>) {
    this.#session = session
    this.#limits = limits
  }

  /** The record of a message that passes now, as JSON. */
  record(
    seq: number,
    side: FeedSide,
    direction: FeedDirection,
    server: string | undefined,
    message: RpcMessage,
  ): string {
    const { id, method } = message
    const { text, isWhole, bytes } = written(message, this.#limits.messageBytes)
    const record: Omit<TrafficRecord, 'message'> = {
      seq,
      at: new Date().toISOString(),
      session: this.#session,
      side,
      direction,
      ...(server === undefined ? {} : { server }),
      ...(method === undefined ? {} : { method }),
      ...(id === undefined ? {} : { id }),
      ...(isResponse(message) ? this.#answered(keyOf(side, opposite(direction), server, message.id), message) : {}),
      bytes,
    }
    if (id !== undefined && method !== undefined) this.#asked(keyOf(side, direction, server, id), method)
    // The message is text already: it is not written a second time.
    if (!isWhole) return JSON.stringify({ ...record, cut: text })
    return `${JSON.stringify(record).slice(0, -1)},"message":${text}}`
  }

  #asked(key: string, method: string): void {
    const [oldest] = this.#pending.keys()
    if (this.#pending.size >= this.#limits.pending && oldest !== undefined) this.#pending.delete(oldest)
    this.#pending.set(key, { method, since: performance.now() })
  }

  #answered(key: string, answer: RpcResponse): { method?: string; ms?: number; outcome: Answered } {
    const outcome = answeredAs(answer)
    const asked = this.#pending.get(key)
    this.#pending.delete(key)
    if (asked === undefined) return { outcome }
    return { method: asked.method, ms: Math.round((performance.now() - asked.since) * 100) / 100, outcome }
  }
}

/** A message as JSON, or the first `most` characters of it, and how long all of it is. What is long is not made a text only to be cut. */
const written = (message: RpcMessage, most: number): { text: string; isWhole: boolean; bytes: number } => {
  const long = longResultOf(message)
  if (long !== undefined && long.length > most) {
    const beginning = beginningOfLong(message.id)
    const text = `${beginning}${long.toString('utf8', 0, most)}`.slice(0, most)
    return { text, isWhole: false, bytes: Buffer.byteLength(beginning) + long.length + 1 }
  }
  const text = messageText(message) ?? ''
  const isWhole = text !== '' && text.length <= most
  return { text: isWhole ? text : text.slice(0, most), isWhole, bytes: Buffer.byteLength(text) }
}

const opposite = (direction: FeedDirection): FeedDirection => (direction === 'to-server' ? 'to-client' : 'to-server')

/** Ids are one's own on each side and each way; on the client side, a server is not part of who asked. */
const keyOf = (side: FeedSide, direction: FeedDirection, server: string | undefined, id: RpcId): string =>
  JSON.stringify([side === 'server' ? (server ?? '') : null, direction, id])
