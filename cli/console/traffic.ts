import type { FeedEvents } from '../../proxy/inspector/feed.ts'
import type { Entry } from './filter.ts'

export interface TrafficLimits {
  readonly entries: number
  /** Characters of records. */
  readonly size: number
}

const defaultLimits: TrafficLimits = { entries: 5_000, size: 32 * 1024 * 1024 }

export interface SeenSession {
  readonly client: string
  readonly ended: boolean
}

/** Most sessions that are remembered; those that ended first are forgotten first. */
const MAX_SESSIONS = 1_000

/** What the console has seen: the newest messages, and the sessions they belong to. */
export class Traffic {
  readonly #limits: TrafficLimits
  readonly sessions = new Map<string, SeenSession>()
  /** Oldest first. A new list with every change, so that who holds the old one keeps it. */
  entries: readonly Entry[] = []
  /** Messages that mcplocal has left out for us, as we were too slow. */
  lost = 0
  #incoming: Entry[] = []
  #size = 0
  #watch = ''
  #lastSeq = 0

  constructor(limits: TrafficLimits = defaultLimits) {
    this.#limits = limits
  }

  hello({ watch, sessions }: FeedEvents['hello']): void {
    if (watch !== this.#watch) this.#lastSeq = 0
    this.#watch = watch
    const open = new Set(sessions.map(({ session }) => session))
    for (const [session, seen] of this.sessions)
      if (!open.has(session)) this.sessions.set(session, { ...seen, ended: true })
    for (const { session, client } of sessions) this.#session(session, client, false)
  }

  session({ session, client, state }: FeedEvents['session']): void {
    this.#session(session, client, state === 'ended')
  }

  missed(count: number): void {
    this.lost += count
  }

  /** Takes a message, unless it was seen before the connection was lost. It is shown after `settle`. */
  add(entry: Entry): void {
    if (entry.record.seq <= this.#lastSeq) return
    this.#lastSeq = entry.record.seq
    this.#incoming.push(entry)
    this.#size += entry.raw.length
    if (this.#incoming.length >= this.#limits.entries) this.settle()
  }

  /** Puts what has come into the list. */
  settle(): void {
    if (this.#incoming.length === 0) return
    const all = [...this.entries, ...this.#incoming]
    this.#incoming = []
    let from = Math.max(0, all.length - this.#limits.entries)
    for (const { raw } of all.slice(0, from)) this.#size -= raw.length
    for (; this.#size > this.#limits.size && from < all.length; from += 1) this.#size -= all[from]?.raw.length ?? 0
    this.entries = from === 0 ? all : all.slice(from)
  }

  clear(): void {
    this.entries = []
    this.#incoming = []
    this.#size = 0
    this.lost = 0
  }

  #session(session: string, client: string, ended: boolean): void {
    this.sessions.set(session, { client, ended })
    if (this.sessions.size <= MAX_SESSIONS) return
    const gone = [...this.sessions].find(([, seen]) => seen.ended)?.[0] ?? this.sessions.keys().next().value
    if (gone !== undefined) this.sessions.delete(gone)
  }
}

/** The answer to a request, or the request of an answer, if it was seen. */
export const counterpart = (entries: readonly Entry[], { record }: Entry): Entry | undefined => {
  if (record.id === undefined) return undefined
  const isAnswer = record.outcome !== undefined
  const belongs = ({ record: other }: Entry): boolean =>
    other.id === record.id &&
    other.session === record.session &&
    other.side === record.side &&
    other.direction !== record.direction &&
    (record.side === 'client' || other.server === record.server) &&
    (other.outcome !== undefined) !== isAnswer
  return isAnswer
    ? entries.findLast((entry) => entry.record.seq < record.seq && belongs(entry))
    : entries.find((entry) => entry.record.seq > record.seq && belongs(entry))
}
