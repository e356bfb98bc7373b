import type { MessagePort } from 'node:worker_threads'
import { CompiledQuery } from 'kysely'
import { systemClock } from '../../domain/kernel/clock.ts'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { Position } from '../../domain/kernel/event.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { Catalog } from '../../domain/kernel/event-type.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { Registry } from '../../domain/kernel/registry.ts'
import { backoff } from '../../projections/backoff.ts'
import { liveGeneration } from '../../projections/generations.ts'
import { type Projector, runProjector } from '../../projections/projector.ts'
import { kindsOf } from './kinds-of.ts'
import { type EmbeddedDatabase, openPGlite } from './pglite.ts'
import type { FromThread, ThreadData, ToThread } from './thread-messages.ts'

/** What a projector's thread is made of; `port` leads to `startReadThread`. */
export interface ThreadParts {
  readonly port: MessagePort
  readonly data: ThreadData
  readonly log: EventLog
  readonly registry: Registry
  readonly catalog: Catalog
}

/**
 * The inside of the projector's thread: PGlite, the projector beside it, and the main thread's queries.
 * @returns after `close` was asked for. @throws what ended the projector: the thread is to end and be started again.
 */
export const serveProjector = async ({ port, data, log, registry, catalog }: ThreadParts): Promise<void> => {
  const stop = new AbortController()
  const send = (message: FromThread): void => port.postMessage(message)
  const logger = loggerTo(send)
  const waiting: ToThread[] = []
  let handle = (message: ToThread): void => {
    waiting.push(message)
  }
  port.on('message', (message: ToThread) => (message.type === 'close' ? stop.abort() : handle(message)))
  const { db, close }: EmbeddedDatabase = await openPGlite(data.folder, logger, data.fresh)
  try {
    let projector: Projector | undefined
    handle = (message) => {
      if (message.type === 'rebuild') projector?.rebuild()
      if (message.type !== 'query') return
      const { id, text, parameters } = message
      db.executeQuery<object>(CompiledQuery.raw(text, [...parameters])).then(
        ({ rows }) => send({ type: 'rows', id, rows }),
        (error: unknown) => send({ type: 'failed', id, error: plainError(error) }),
      )
    }
    send({ type: 'open', position: (await liveGeneration(db))?.checkpoint, kinds: kindsOf(registry) })
    for (const message of waiting.splice(0)) handle(message)
    const onCommit: Parameters<typeof runProjector>[0]['onCommit'] = (commit) => send({ type: 'commit', commit })
    const onUndone = (position: Position): void => send({ type: 'open', position, kinds: kindsOf(registry) })
    const options = { db, log, registry, catalog, logger, clock: systemClock, onCommit, onUndone }
    const run = () =>
      runProjector(options, stop.signal, (it) => {
        projector = it
      })
    await retriedWhileFull(run, logger, stop.signal)
  } finally {
    await close()
  }
}

/** SQLSTATE of a disk that is full. */
const DISK_FULL = '53100'

/** A full disk ends no thread: rows are as they were and can be read, and events are taken in again once there is room. */
const retriedWhileFull = async (run: () => Promise<void>, logger: Logger, signal: AbortSignal): Promise<void> => {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run()
    } catch (error) {
      const { message, code } = plainError(error)
      if (code !== DISK_FULL) throw error
      if (attempt === 1)
        logger.error({ reason: message }, 'no room for the read models: they stay behind until there is')
      await backoff(attempt, signal)
      if (signal.aborted) return
    }
  }
}

const plainError = (error: unknown): { message: string; code?: string } => {
  const message = messageOf(error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return code === undefined ? { message } : { message, code }
}

const loggerTo = (send: (message: FromThread) => void): Logger => {
  const at =
    (level: keyof Logger) =>
    (fields: object, message: string): void =>
      send({ type: 'log', level, fields, message })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
