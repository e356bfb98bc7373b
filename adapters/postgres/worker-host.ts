import type { Worker } from 'node:worker_threads'
import { Kysely } from 'kysely'
import { backoff } from '../../projections/backoff.ts'
import type { Tables } from '../../projections/tables.ts'
import { readModelUnavailable } from '../../queries/errors.ts'
import { channelDialect, type SqlChannel } from './dialect.ts'
import { kindsOf } from './kinds-of.ts'
import type { HostOptions, ReadHost } from './read-host.ts'
import { startThread } from './start-thread.ts'
import type { FromThread, LogLocation, ThreadData, ThreadError, ToThread } from './thread-messages.ts'

export interface WorkerHostOptions extends Omit<HostOptions, 'log' | 'catalog' | 'clock'> {
  readonly logLocation: LogLocation
  readonly folder: string
  /** Module that calls `serveProjector`. */
  readonly entry: URL
}

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
 * Rows in a PGlite that lives, with the projector, in a thread of its own: it would hold this one up. The thread is
 * started again when it ends; queries are refused with `read-model-unavailable` meanwhile.
 *
 * @returns once the thread's database is open, or its first start has failed.
 */
export const openWorkerHost = async (options: WorkerHostOptions): Promise<ReadHost> => {
  const { logger, commits, registry, logLocation, folder, entry } = options
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
        commits.reset(message.position, kindsOf(registry))
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
      const data = { log: logLocation, folder }
      const reason = await live({ ...data, fresh }, tellOpen)
      tellOpen()
      if (stop.signal.aborted) return
      failures = Date.now() - since > HEALTHY_MS ? 1 : failures + 1
      logger.error({ reason: String(reason), failures }, 'the thread of the read models ended: it is started again')
      await backoff(failures, stop.signal)
    }
  }
  const supervised = supervise()
  await Promise.race([opening, supervised])

  return {
    db: new Kysely<Tables>({ dialect: channelDialect(channel, { transactions: false }) }),
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
