import type { NewEvent, Position, RecordedEvent, Revision } from './event.ts'

/** What a stream must be at for an append to succeed: the revision of its last event, or `'none'` when it must hold none. */
export type ExpectedRevision = Revision | 'none'

export interface Appended {
  /** Revision of the last event of this append in its stream. */
  readonly revision: Revision
  /** Position of the last event of this append in the log. */
  readonly position: Position
}

/** How much of a stream is kept. Older events stop being readable; revisions go on counting. */
export interface Retention {
  /** Keep at most this many of the newest events, ≥ 1. */
  readonly maxCount?: number
  /** Keep events for this many seconds, ≥ 1. */
  readonly maxAgeSeconds?: number
}

export interface ReadStreamOptions {
  /** First revision to read, inclusive. Default: the stream's first (forwards) or last (backwards). */
  readonly from?: Revision
  readonly direction?: 'forwards' | 'backwards'
  /** At most this many events. */
  readonly limit?: number
  readonly signal?: AbortSignal
}

export interface ReadAllOptions {
  /** Exclusive: forwards begins right after it, backwards right before it. Default: the beginning, or the end. */
  readonly after?: Position
  readonly direction?: 'forwards' | 'backwards'
  readonly limit?: number
  readonly signal?: AbortSignal
}

export interface SubscribeOptions {
  /** Exclusive: delivery begins with the first event after this position; 'start' is the first of all, 'end' only what comes. */
  readonly after: Position | 'start' | 'end'
  /** Ends the subscription: the iteration returns (it does not throw) and nothing is left open. Required: nobody forgets to stop. */
  readonly signal: AbortSignal
  /** Most events in one batch. Default 500. */
  readonly maxBatch?: number
}

/**
 * The append-only log, the only source of truth. Adapters: `adapters/embedded-log`, `adapters/eventstore`; both pass
 * `adapters/event-log-contract` (one suite).
 *
 * Stream names are `<category>-<id>`; a category has no dash. Streams whose name begins with `$` belong to the server
 * and are neither read nor written here. There is deliberately no "any revision": idempotency by event id survives a
 * server's restart only when the expected revision is fixed.
 *
 * @example
 * const { revision } = await log.append('server-github', [declared], 'none')
 * for await (const event of log.readStream('server-github')) state = evolve(state, event)
 */
export interface EventLog {
  /** `embedded` or `eventstore`: for status pages. */
  readonly kind: string

  /**
   * Appends `events` (≥ 1) to one stream, all or nothing, and returns once they are durable.
   * An append that is repeated with the same event ids and the same `expected` has one effect and answers the same.
   *
   * @throws WrongExpectedRevision with the actual revision; EventTooLarge over 512 KiB of JSON an event;
   *   InvalidEvent for an empty type, a malformed id or stream name, two equal ids in one append, or data that is not JSON;
   *   LogUnavailable when the outcome is unknown after the deadline (10 s): retry with the same ids and `expected`.
   */
  append(
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
    options?: { signal?: AbortSignal },
  ): Promise<Appended>

  /** Yields a stream's events. A stream that is missing, deleted or wholly trimmed yields nothing. */
  readStream(stream: string, options?: ReadStreamOptions): AsyncIterable<RecordedEvent>

  /** Revision of the stream's last event, or 'none'. Trimmed and soft-deleted streams keep theirs: an append goes on from it. */
  revisionOf(stream: string): Promise<ExpectedRevision>

  /** Yields the events of all streams in the order of their positions. May include events that retention or deletion has already hidden from their stream. */
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>

  /** Position of the newest event, or undefined when the log is empty. */
  head(): Promise<Position | undefined>

  /**
   * Delivers events of all streams in order, in non-empty batches, each event at least once and — within one call — exactly
   * once, catching up first and live after that, until `signal` aborts. Outages are waited out with backoff and
   * resumed after the last batch that was handed over; they never end the iteration.
   * A batch counts as handled when the next one is asked for.
   */
  subscribe(options: SubscribeOptions): AsyncIterable<readonly RecordedEvent[]>

  /** Sets how much of a stream is kept; the stream need not exist yet. Replaces what was set before. */
  setRetention(stream: string, retention: Retention): Promise<void>

  /** Soft delete: the stream reads as empty; a later append goes on with its revisions (its `expected` is then `revisionOf`). Missing or already deleted: no effect. */
  deleteStream(stream: string): Promise<void>

  /** Hard delete: nothing can be read from or appended to it ever again (append throws StreamTombstoned); its payloads leave the disk with the log's own compaction. Repeating it has no effect. */
  tombstone(stream: string): Promise<void>

  /** Resolves when the log can be read, with the time it took in ms; rejects with LogUnavailable otherwise (deadline 2 s). */
  ping(): Promise<number>

  /** Ends subscriptions, waits for appends under way, frees every handle. Repeating it has no effect. */
  close(): Promise<void>
}

/** Category of a stream: what stands before its first dash. */
export const categoryOf = (stream: string): string => {
  const dash = stream.indexOf('-')
  return dash < 0 ? stream : stream.slice(0, dash)
}

/** Id part of a stream: what stands after its first dash. */
export const idOf = (stream: string): string => {
  const dash = stream.indexOf('-')
  return dash < 0 ? '' : stream.slice(dash + 1)
}

/** Largest JSON of one event's data and metadata together, in bytes. EventStoreDB ≤ 24.6 refuses an append over 1 MiB as a whole. */
export const MAX_EVENT_BYTES = 512 * 1024
/** Largest JSON of one append, in bytes: stays under EventStoreDB's 1 MiB with room for its framing. */
export const MAX_APPEND_BYTES = 960 * 1024
