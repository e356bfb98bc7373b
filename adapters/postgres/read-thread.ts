import type { Worker } from 'node:worker_threads'
import type { Logger } from '../../domain/kernel/logger.ts'
import { backoff } from '../../projections/backoff.ts'
import { CommitSignal } from '../../queries/commit-signal.ts'
import { readModelUnavailable } from '../../queries/errors.ts'
import type { SqlChannel } from './dialect.ts'
import { startThread } from './start-thread.ts'
import type { FromThread, LogLocation, ThreadData, ThreadError, ToThread } from './thread-messages.ts'

// This module loads nothing large: the thread is to start before its program has loaded the rest of itself.

export interface ReadThreadOptions {
  readonly logger: Logger
  readonly logLocation: LogLocation
  /** Of the database. Disposable. */
  readonly folder: string
  /** Module that calls `serveProjector`; `cli/bin/projector-worker` if left out. */
  readonly entry?: URL
}

/** The thread of the projector and its PGlite, seen from outside. */
export interface ReadThread {
  /** Kept once the thread's database is open, or its first start has failed. */
  readonly opened: Promise<void>
  readonly commits: CommitSignal
  /** Its database. Before it is open, and while the thread is started again, queries are refused with `read-model-unavailable`. */
  readonly channel: SqlChannel
  /** @throws read-model-unavailable */
  rebuild(): Promise<void>
  close(): Promise<void>
}

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
const ENTRY = new URL(`../../cli/bin/projector-worker.${extension}`, import.meta.url)

/** Most queries that wait for the thread at once; more are refused. */
const MAX_PENDING = 5000
/** After so many starts that failed in a row the rows are thrown away. */
const FAILURES_BEFORE_FRESH = 2
/** How long the thread may take to close its files before it is ended, in ms. */
const CLOSE_MS = 10_000

interface Pending {
  resolve(answer: { rows: readonly object[] }): void
  reject(error: unknown): void
}

/**
 * Starts a PGlite that lives, with the projector, in a thread of its own: it would hold this one up. The thread is started
 * again when it ends. The log must have been opened here once: the thread only reads it.
 */
export const startReadThread = (options: ReadThreadOptions): ReadThread => {
  const { logger, logLocation, folder, entry = ENTRY } = options
  const commits = new CommitSignal()
  const stop = new AbortController()
  const pending = new Map<number, Pending>()
  let worker: Worker | undefined
  let isOpen = false
  let nextId = 0
  const post = (message: ToThread): void => worker?.postMessage(message)

  const channel: SqlChannel = {
    query: (text, parameters) =>
      new Promise((resolve, reject) => {
        if (!isOpen) return reject(readModelUnavailable('its database is being started'))
        if (pending.size >= MAX_PENDING) return reject(readModelUnavailable('too many queries are waiting for it'))
        const id = nextId++
        pending.set(id, { resolve, reject })
        post({ type: 'query', id, text, parameters })
      }),
  }

  const take = (id: number): Pending | undefined => {
    const waiting = pending.get(id)
    pending.delete(id)
    return waiting
  }

  const receive = (message: FromThread, opened: () => void): void => {
    switch (message.type) {
      case 'log':
        logger[message.level](message.fields, message.message)
        break
      case 'commit':
        commits.advance(message.commit)
        break
      case 'open':
        isOpen = true
        commits.reset(message.position, message.kinds)
        opened()
        break
      case 'rows':
        take(message.id)?.resolve({ rows: message.rows })
        break
      case 'failed':
        take(message.id)?.reject(failure(message.error))
        break
    }
  }

  /** One life of the thread; resolves with what ended it. */
  const live = (data: ThreadData, opened: () => void): Promise<unknown> =>
    new Promise((resolve) => {
      let reason: unknown = 'it exited'
      const thread = startThread(entry, data)
      worker = thread
      thread.on('message', (message: FromThread) => receive(message, opened))
      thread.on('error', (error) => {
        reason = error
      })
      thread.on('exit', () => {
        isOpen = false
        worker = undefined
        for (const { reject } of pending.values()) reject(readModelUnavailable('its thread has ended'))
        pending.clear()
        resolve(reason)
      })
      if (stop.signal.aborted) post({ type: 'close' })
    })

  let tellOpen: () => void = () => undefined
  const opening = new Promise<void>((resolve) => {
    tellOpen = resolve
  })
  const supervise = async (): Promise<void> => {
    for (let failures = 0; !stop.signal.aborted; ) {
      const since = Date.now()
      const fresh = failures >= FAILURES_BEFORE_FRESH
      const reason = await live({ log: logLocation, folder, fresh }, tellOpen)
      tellOpen()
      if (stop.signal.aborted) return
      failures = Date.now() - since > HEALTHY_MS ? 1 : failures + 1
      logger.error({ reason: String(reason), failures }, 'the thread of the read models ended: it is started again')
      await backoff(failures, stop.signal)
    }
  }
  const supervised = supervise()

  return {
    opened: Promise.race([opening, supervised]),
    commits,
    channel,
    async rebuild() {
      if (!isOpen) throw readModelUnavailable('its database is being started')
      post({ type: 'rebuild' })
    },
    async close() {
      stop.abort()
      post({ type: 'close' })
      const late = setTimeout(() => void worker?.terminate(), CLOSE_MS)
      await supervised
      clearTimeout(late)
    },
  }
}

/** What Postgres says has an SQLSTATE; anything else is PGlite itself, which will not last. */
const failure = ({ message, code }: ThreadError): Error =>
  code === undefined ? readModelUnavailable('its database has failed') : Object.assign(new Error(message), { code })

/** A thread that ran for this long was healthy: its end does not count as one more failure in a row. */
const HEALTHY_MS = 60_000
