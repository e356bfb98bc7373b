/** What a stream is expected to be at, in the server's own words. */
export type Expected = bigint | 'no_stream' | 'any' | 'stream_exists'

export interface StoredEvent {
  readonly position: bigint
  readonly stream: string
  readonly revision: bigint
  readonly id: string
  readonly type: string
  readonly isJson: boolean
  readonly data: Uint8Array
  readonly metadata: Uint8Array
  /** In ms since 1970. */
  readonly created: number
}

export type ProposedEvent = Pick<StoredEvent, 'id' | 'type' | 'isJson' | 'data' | 'metadata'>

export type AppendOutcome =
  | { readonly outcome: 'success'; readonly revision: bigint | undefined; readonly position: bigint | undefined }
  | { readonly outcome: 'conflict'; readonly actual: bigint | undefined }
  | { readonly outcome: 'tombstoned' }

export type ReadOutcome =
  | { readonly outcome: 'events'; readonly events: readonly StoredEvent[] }
  | { readonly outcome: 'no-stream' | 'tombstoned' }

/** The server's largest number: as truncation it means "soft-deleted". It is more than a JavaScript number can hold. */
const DELETED = 2n ** 63n - 1n
/** What a record takes in the log beside its data. Positions are byte offsets, so they have gaps. */
const RECORD_OVERHEAD = 97

interface Rules {
  readonly maxCount?: bigint
  readonly maxAgeSeconds?: bigint
  readonly truncateBefore?: bigint
}

const integerIn = (json: string, name: string): bigint | undefined => {
  const found = new RegExp(`"\\${name}"\\s*:\\s*(-?\\d+)(?![\\d.eE])`).exec(json)?.[1]
  return found === undefined ? undefined : BigInt(found)
}

/** The log of a server, in memory: it outlives the server that serves it, as files outlive a process. */
export class WireStore {
  readonly log: StoredEvent[] = []
  readonly #streams = new Map<string, StoredEvent[]>()
  readonly #tombstoned = new Set<string>()
  readonly #watchers = new Set<() => void>()
  /** Ids appended with 'any' since the server started. Only these are known again when no revision is expected. */
  #recent = new Map<string, StoredEvent>()
  #end = 0n

  readonly #keep: (event: StoredEvent) => void

  /** @param kept what a server before this one stored; `keep` is called with all that is stored from now on, before it is answered. */
  constructor(kept: readonly StoredEvent[] = [], keep: (event: StoredEvent) => void = () => undefined) {
    this.#keep = keep
    for (const event of kept) this.#admit(event)
  }

  /** What a new process has forgotten. */
  forget(): void {
    this.#recent = new Map()
  }

  /** Calls back after each write, until the function that is returned is called. */
  watch(callback: () => void): () => void {
    this.#watchers.add(callback)
    return () => this.#watchers.delete(callback)
  }

  append(stream: string, events: readonly ProposedEvent[], expected: Expected): AppendOutcome {
    if (this.#isTombstoned(stream)) return { outcome: 'tombstoned' }
    const last = this.#last(stream)
    const deleted = this.#rules(stream).truncateBefore === DELETED
    if (expected === 'stream_exists' && (last < 0n || deleted)) {
      return deleted ? { outcome: 'tombstoned' } : { outcome: 'conflict', actual: undefined }
    }
    const conflict: AppendOutcome = { outcome: 'conflict', actual: last < 0n ? undefined : last }
    if (expected === 'any' || expected === 'stream_exists') {
      const known = events.map(({ id }) => this.#recent.get(`${stream}/${id}`))
      if (events.length > 0 && known.every((event) => event !== undefined)) return this.#repeated(stream, known.at(-1))
      if (known[0] !== undefined) return conflict
    } else {
      const at = expected === 'no_stream' ? -1n : expected
      if (at > last) return conflict
      if (at < last) {
        const all = this.#streams.get(stream) ?? []
        const same = events.map(({ id }, index) => all[Number(at) + 1 + index]?.id === id)
        if (events.length > 0 && same.every(Boolean)) return this.#repeated(stream, all[Number(at) + events.length])
        if (same[0] === true || !(at === -1n && deleted)) return conflict
      }
    }
    return this.#write(stream, events, last, deleted)
  }

  /** Forwards from a revision, inclusive; backwards likewise, from the end when none is given. */
  read(stream: string, from: bigint | undefined, backwards: boolean): ReadOutcome {
    if (this.#isTombstoned(stream)) return { outcome: 'tombstoned' }
    const all = this.#streams.get(stream)
    const rules = this.#rules(stream)
    if (all === undefined || rules.truncateBefore === DELETED) return { outcome: 'no-stream' }
    const visible = all.filter((event) => this.#isVisible(event, BigInt(all.length - 1), rules))
    const events = backwards
      ? visible.filter(({ revision }) => from === undefined || revision <= from).toReversed()
      : visible.filter(({ revision }) => revision >= (from ?? 0n))
    return { outcome: 'events', events }
  }

  /** Replaces the stream's metadata, all of it, by a truncation that nothing survives. */
  softDelete(stream: string, expected: Expected): AppendOutcome {
    const last = this.#last(stream)
    if (this.#isTombstoned(stream)) return { outcome: 'tombstoned' }
    const missing = last < 0n && this.#last(`$$${stream}`) < 0n
    if (missing || !this.#isAt(expected, last)) return { outcome: 'conflict', actual: last < 0n ? undefined : last }
    const position = this.#writeMetadata(stream, `{"$tb":${DELETED}}`)
    return { outcome: 'success', revision: undefined, position }
  }

  tombstone(stream: string, expected: Expected): AppendOutcome {
    const last = this.#last(stream)
    if (this.#isTombstoned(stream)) return { outcome: 'tombstoned' }
    if (!this.#isAt(expected, last)) return { outcome: 'conflict', actual: last < 0n ? undefined : last }
    const position = this.#store(stream, DELETED, {
      id: crypto.randomUUID(),
      type: '$streamDeleted',
      isJson: false,
      data: new Uint8Array(),
      metadata: new Uint8Array(),
    })
    this.#notify()
    return { outcome: 'success', revision: undefined, position }
  }

  #isAt(expected: Expected, last: bigint): boolean {
    if (expected === 'any') return true
    if (expected === 'stream_exists') return last >= 0n
    return expected === 'no_stream' ? last < 0n : expected === last
  }

  #isTombstoned(stream: string): boolean {
    return this.#tombstoned.has(stream) || (stream.startsWith('$$') && this.#tombstoned.has(stream.slice(2)))
  }

  #last(stream: string): bigint {
    return BigInt((this.#streams.get(stream)?.length ?? 0) - 1)
  }

  #rules(stream: string): Rules {
    const newest = this.#streams.get(`$$${stream}`)?.at(-1)
    if (newest === undefined || !newest.isJson) return {}
    const json = Buffer.from(newest.data).toString()
    const maxCount = integerIn(json, '$maxCount')
    const maxAgeSeconds = integerIn(json, '$maxAge')
    const truncateBefore = integerIn(json, '$tb')
    return {
      ...(maxCount === undefined ? {} : { maxCount }),
      ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
      ...(truncateBefore === undefined ? {} : { truncateBefore }),
    }
  }

  #isVisible({ revision, created }: StoredEvent, last: bigint, rules: Rules): boolean {
    if (rules.maxCount !== undefined && revision <= last - rules.maxCount) return false
    if (rules.truncateBefore !== undefined && revision < rules.truncateBefore) return false
    return rules.maxAgeSeconds === undefined || created >= Date.now() - Number(rules.maxAgeSeconds) * 1000
  }

  /** The position is only known while the event can be read. */
  #repeated(stream: string, event: StoredEvent | undefined): AppendOutcome {
    const visible = event !== undefined && this.#isVisible(event, this.#last(stream), this.#rules(stream))
    return { outcome: 'success', revision: event?.revision, position: visible ? event.position : undefined }
  }

  #write(stream: string, events: readonly ProposedEvent[], last: bigint, deleted: boolean): AppendOutcome {
    let position: bigint | undefined
    for (const [index, event] of events.entries()) {
      position = this.#store(stream, last + BigInt(index) + 1n, event)
    }
    const revision = last + BigInt(events.length)
    // What is written to a soft-deleted stream, or to its metadata, brings it back from the next revision on.
    if (deleted) this.#bringBack(stream, last + 1n)
    const original = stream.startsWith('$$') ? stream.slice(2) : undefined
    if (original !== undefined && this.#wasDeleted(original)) this.#bringBack(original, this.#last(original) + 1n)
    this.#notify()
    return { outcome: 'success', revision: revision < 0n ? undefined : revision, position }
  }

  /** Whether the metadata before the newest said so. */
  #wasDeleted(stream: string): boolean {
    const before = this.#streams.get(`$$${stream}`)?.at(-2)
    return before !== undefined && integerIn(Buffer.from(before.data).toString(), '$tb') === DELETED
  }

  #bringBack(stream: string, from: bigint): void {
    const newest = this.#streams.get(`$$${stream}`)?.at(-1)
    const json = newest === undefined ? '{}' : Buffer.from(newest.data).toString()
    const others = json.replace(/"\$tb"\s*:\s*\d+\s*,?/, '').replace(/,\s*}$/, '}')
    this.#writeMetadata(stream, others.replace('{', others === '{}' ? `{"$tb":${from}` : `{"$tb":${from},`))
  }

  #writeMetadata(stream: string, json: string): bigint {
    const metastream = `$$${stream}`
    const position = this.#store(metastream, this.#last(metastream) + 1n, {
      id: crypto.randomUUID(),
      type: '$metadata',
      isJson: true,
      data: Buffer.from(json),
      metadata: new Uint8Array(),
    })
    this.#notify()
    return position
  }

  #store(stream: string, revision: bigint, event: ProposedEvent): bigint {
    const stored = { ...event, stream, revision, position: this.#end, created: Date.now() }
    this.#keep(stored)
    this.#admit(stored)
    this.#recent.set(`${stream}/${event.id}`, stored)
    return stored.position
  }

  #admit(stored: StoredEvent): void {
    const { stream, revision, data, metadata } = stored
    this.#end = stored.position + BigInt(RECORD_OVERHEAD + stream.length + data.length + metadata.length)
    this.log.push(stored)
    const all = this.#streams.get(stream)
    if (revision === DELETED) this.#tombstoned.add(stream)
    else if (all === undefined) this.#streams.set(stream, [stored])
    else all.push(stored)
  }

  #notify(): void {
    for (const callback of [...this.#watchers]) callback()
  }
}
