import type { Kysely } from 'kysely'
import type { Clock } from '../domain/kernel/clock.ts'
import { CodedError } from '../domain/kernel/errors.ts'
import type { Position } from '../domain/kernel/event.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { BEGINNING, type GenerationRow, type ProjectionError, type Tables } from '../projections/tables.ts'
import { asUnavailable } from './errors.ts'

/** How a read model does. Plain JSON: positions are decimal strings. */
export interface ReadModelStatus {
  readonly name: string
  /**
   * `live`: at the head of the log, or a moment behind it. `catching-up`: far behind, or being built for the first time.
   * `rebuilding`: another generation is built beside the live one. `stopped`: at an event it cannot handle; rows are
   * as of `position`. `unavailable`: the database cannot be reached.
   */
  readonly state: 'live' | 'catching-up' | 'rebuilding' | 'stopped' | 'unavailable'
  /** Number of the live generation. */
  readonly generation?: string
  /** Up to here events are in the rows; "-1" for none. */
  readonly position?: string
  readonly head?: string
  /** Events it has not handled, counted exactly up to 1000. */
  readonly lagEvents?: number
  /** False: `lagEvents` is a lower bound. */
  readonly lagExact?: boolean
  /** Age of the oldest event it has not handled. */
  readonly lagSeconds?: number
  readonly error?: ProjectionError
  readonly rebuild?: {
    readonly generation: string
    readonly position: string
    /** Head of the log when it began. */
    readonly target: string
    readonly events: number
    readonly eventsPerSecond: number
    readonly startedAt: string
  }
  /** Why the last rebuild was given up. */
  readonly rebuildError?: ProjectionError
}

/** Most events that are counted for the lag. */
const LAG_COUNT = 1000
/** A lag above either of these is `catching-up`. */
const LAG_EVENTS = 500
const LAG_SECONDS = 5

/** The status of the one read model there is, `resources`, from the database and the log. Never throws: what is away is in the answer. */
export const readModelStatus = async (db: Kysely<Tables>, log: EventLog, clock: Clock): Promise<ReadModelStatus> => {
  const name = 'resources'
  try {
    const rows = await db.selectFrom('mcpctl.generations').selectAll().execute()
    const live = rows.find(({ state }) => state === 'live')
    const building = rows.find(({ state }) => state === 'building')
    const failed = rows.find(({ state }) => state === 'failed')
    const lag = await lagOf(log, live?.checkpoint ?? building?.checkpoint ?? BEGINNING, clock)
    return {
      name,
      state: stateOf(live, building, failed, lag),
      ...(live === undefined ? {} : { generation: String(live.number), position: String(live.checkpoint) }),
      ...lag,
      ...(live?.error == null ? {} : { error: live.error }),
      ...(building === undefined ? {} : { rebuild: progressOf(building, clock) }),
      ...(failed?.error == null ? {} : { rebuildError: failed.error }),
    }
  } catch (error) {
    const known = asUnavailable(error)
    const coded = known instanceof CodedError ? known : undefined
    const message = coded?.message ?? 'the read model cannot be read'
    return { name, state: 'unavailable', error: { code: coded?.code ?? 'internal', message } }
  }
}

type Lag = Pick<ReadModelStatus, 'head' | 'lagEvents' | 'lagExact' | 'lagSeconds'>

const stateOf = (
  live: GenerationRow | undefined,
  building: GenerationRow | undefined,
  failed: GenerationRow | undefined,
  { lagEvents = 0, lagSeconds = 0 }: Lag,
): ReadModelStatus['state'] => {
  if (live === undefined) return building === undefined && failed !== undefined ? 'stopped' : 'catching-up'
  if (building !== undefined) return 'rebuilding'
  if (live.error !== null) return 'stopped'
  return lagEvents > LAG_EVENTS || lagSeconds > LAG_SECONDS ? 'catching-up' : 'live'
}

const progressOf = (building: GenerationRow, clock: Clock): NonNullable<ReadModelStatus['rebuild']> => {
  const seconds = Math.max(0.001, (clock.now().getTime() - Date.parse(building.startedAt)) / 1000)
  const events = Number(building.events)
  return {
    generation: String(building.number),
    position: String(building.checkpoint),
    target: String(building.target),
    events,
    eventsPerSecond: Math.round(events / seconds),
    startedAt: building.startedAt,
  }
}

/** Counts on the log itself, so it is right whatever positions look like there. Empty when the log is away: its own check says so. */
const lagOf = async (log: EventLog, checkpoint: Position, clock: Clock): Promise<Lag> => {
  try {
    const head = await log.head()
    if (head === undefined) return { lagEvents: 0, lagExact: true, lagSeconds: 0 }
    if (checkpoint >= head) return { head: String(head), lagEvents: 0, lagExact: true, lagSeconds: 0 }
    let events = 0
    let oldest: string | undefined
    const after = checkpoint === BEGINNING ? {} : { after: checkpoint }
    for await (const { metadata } of log.readAll({ ...after, limit: LAG_COUNT })) {
      oldest ??= metadata.occurredAt
      events += 1
    }
    const age = oldest === undefined ? 0 : (clock.now().getTime() - Date.parse(oldest)) / 1000
    return { head: String(head), lagEvents: events, lagExact: events < LAG_COUNT, lagSeconds: Math.max(0, age) }
  } catch (error) {
    if (error instanceof CodedError) return {}
    throw error
  }
}
