import { randomUUID } from 'node:crypto'
import type { EventData } from '@eventstore/db-client'
import type { ExpectedRevision, Retention } from '../../domain/kernel/event-log.ts'
import { isObject, type JsonObject } from '../../domain/kernel/json.ts'
import { logUnavailable, streamTombstoned } from '../../domain/kernel/log-errors.ts'
import { type AppendContext, actualRevision, appendOnce } from './appending.ts'
import { persistently } from './attempts.ts'
import { isTombstoned } from './failures.ts'
import { type ReadContext, readRaw } from './reading.ts'

/** How often a change is decided anew because somebody else changed the stream's metadata meanwhile. */
const ROUNDS = 8
/** Type of the events in a stream's metadata stream. */
const METADATA = '$metadata'

interface StreamMetadata {
  /** Revision of the metadata stream. The client's own `metastreamRevision` is a position in the log, and no use here. */
  readonly revision: ExpectedRevision
  readonly fields: JsonObject
}

const readMetadata = async (context: ReadContext, stream: string): Promise<StreamMetadata> => {
  for await (const { event } of readRaw(context, `$$${stream}`, { direction: 'backwards', limit: 1 })) {
    if (event === undefined) continue
    const fields: unknown = event.isJson ? event.data : {}
    return { revision: event.revision, fields: isObject(fields) ? fields : {} }
  }
  return { revision: 'none', fields: {} }
}

/** Replaces a stream's metadata by what `change` makes of it; undefined leaves it. Written only over what was read. */
const changeMetadata = async (
  context: ReadContext & AppendContext,
  stream: string,
  change: (fields: JsonObject) => Promise<JsonObject | undefined>,
): Promise<void> => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = await readMetadata(context, stream)
    const data = await change(before.fields)
    if (data === undefined) return
    const event: EventData = { id: randomUUID(), type: METADATA, contentType: 'application/json', data, metadata: {} }
    try {
      await persistently(context.clients, { ...context.attempts, signals: [] }, (client, attemptMs) =>
        appendOnce(client, `$$${stream}`, [event], before.revision, attemptMs),
      )
      return
    } catch (error) {
      if (isTombstoned(error)) throw streamTombstoned(stream)
      if (actualRevision(error) === undefined) throw error
    }
  }
  throw logUnavailable(`the metadata of ${stream} is being changed by others all the time`)
}

/**
 * First revision that is still to be read. A stream deleted by the server's own command has 2⁶³−1 there, which does not
 * survive JSON in this language: it is left out then, and the server puts the right number in its place.
 */
const truncation = (fields: JsonObject): { $tb?: number } => {
  const { $tb } = fields
  return typeof $tb === 'number' && Number.isSafeInteger($tb) ? { $tb } : {}
}

/** See EventLog.setRetention. Keeps what else the metadata says, truncation above all: deleted events stay deleted. */
export const setRetention = (
  context: ReadContext & AppendContext,
  stream: string,
  { maxCount, maxAgeSeconds }: Retention,
): Promise<void> =>
  changeMetadata(context, stream, async ({ $maxCount, $maxAge, $tb, ...others }) => ({
    ...others,
    ...truncation($tb === undefined ? {} : { $tb }),
    ...(maxCount === undefined ? {} : { $maxCount: maxCount }),
    ...(maxAgeSeconds === undefined ? {} : { $maxAge: maxAgeSeconds }),
  }))

/**
 * See EventLog.deleteStream. The server's own soft delete replaces the metadata, so that retention would be lost with
 * it, fails for a stream that is missing, and lets 'none' pass as the expected revision afterwards. Truncating
 * everything there is says the same without that.
 */
export const truncateAll = (context: ReadContext & AppendContext, stream: string): Promise<void> =>
  changeMetadata(context, stream, async (fields) => {
    const last = await context.revisionOf(stream)
    if (last === 'none') return undefined
    const { $tb } = fields
    if (typeof $tb === 'number' && $tb > Number(last)) return undefined
    return { ...fields, $tb: Number(last) + 1 }
  })
