import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Clock } from '../domain/kernel/clock.ts'
import { CodedError } from '../domain/kernel/errors.ts'
import type { Position, RecordedEvent } from '../domain/kernel/event.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import type { Catalog } from '../domain/kernel/event-type.ts'
import { logUnavailable } from '../domain/kernel/log-errors.ts'
import type { Logger } from '../domain/kernel/logger.ts'
import { pause } from '../domain/kernel/pause.ts'
import type { Registry } from '../domain/kernel/registry.ts'
import { backoff } from './backoff.ts'
import { type Commit, encodeCommit } from './commit.ts'
import { explain } from './explain.ts'
import type { Poison } from './fold.ts'
import {
  clearError,
  createGeneration,
  dropLeftOvers,
  type Identity,
  identityOf,
  isLiveWhole,
  liveGeneration,
  noteError,
  retire,
  switchTo,
  TablesGone,
} from './generations.ts'
import { history } from './history.ts'
import { createProjection, type Projection } from './projection.ts'
import type { ReadModel } from './read-model.ts'
import { resources } from './resources.ts'
import { BEGINNING, type GenerationRow, type Tables } from './tables.ts'

/** The tables there are. All share one checkpoint. */
export const readModels = (registry: Registry): readonly ReadModel[] => [resources(registry), history(registry)]

/** Most events in one transaction. */
export const BATCH_EVENTS = 1000

export interface ProjectorOptions {
  /** One connection of the projector's own, migrated: nobody else writes generations meanwhile. */
  readonly db: Kysely<Tables>
  readonly log: EventLog
  readonly registry: Registry
  readonly catalog: Catalog
  readonly logger: Logger
  readonly clock: Clock
  /** Where commits are notified, for other programs. */
  readonly channel?: string
  /** How often to look whether the tables are still there, in ms; left out where nobody else can drop them. */
  readonly watchMs?: number
  /** Told in the order of commits, and with `names` undefined for every kind when another generation became the live one. */
  readonly onCommit: (commit: Commit) => void
  /** What was told last did not come to be, as the database refused it: the rows are as of this position. */
  readonly onUndone?: (position: Position) => void
}

export interface Projector {
  /** Begins a rebuild, unless one is under way. */
  rebuild(): void
}

/**
 * Follows the log with the live generation, and builds others beside it: at start when there is none or the tables have
 * changed or are gone, and when asked. Generations that were not finished are dropped at start.
 *
 * @param started called once events are followed, with the way to ask for a rebuild.
 * @returns when `signal` aborts. @throws the database's error when it or a table is gone, or `TablesGone`: connect and run again.
 */
export const runProjector = async (
  options: ProjectorOptions,
  signal: AbortSignal,
  started: (projector: Projector) => void,
): Promise<void> => {
  const models = readModels(options.registry)
  const run = new ProjectorRun(options, models, identityOf(models, options.registry), signal)
  await run.whole(started)
}

class ProjectorRun {
  readonly #options: ProjectorOptions
  readonly #models: readonly ReadModel[]
  readonly #identity: Identity
  readonly #ended = new AbortController()
  readonly #signal: AbortSignal
  readonly #failure: Promise<never>
  #fail: (error: unknown) => void = () => undefined
  #live: { readonly projection: Projection; stop(): Promise<void> } | undefined
  #building: Promise<void> | undefined
  #watching: Promise<void> | undefined

  constructor(options: ProjectorOptions, models: readonly ReadModel[], identity: Identity, signal: AbortSignal) {
    this.#options = options
    this.#models = models
    this.#identity = identity
    this.#signal = AbortSignal.any([signal, this.#ended.signal])
    this.#failure = new Promise((_, reject) => {
      this.#fail = reject
    })
    this.#failure.catch(() => undefined)
  }

  async whole(started: (projector: Projector) => void): Promise<void> {
    const { db, logger } = this.#options
    try {
      await dropLeftOvers(db)
      const live = await this.#readable()
      if (live !== undefined) {
        // It may have been repaired meanwhile; if not, it is found again.
        if (live.error !== null) await clearError(db, live.number)
        this.#follow(this.#project(live.number, live.checkpoint, true))
      }
      if (live?.fingerprint !== this.#identity.fingerprint) {
        if (live !== undefined) logger.info({ generation: String(live.number) }, 'read models have changed: rebuilding')
        this.#rebuild()
      }
      this.#watching = this.#watch()
      this.#watching.catch(this.#fail)
      started({ rebuild: () => this.#rebuild() })
      await Promise.race([this.#failure, aborted(this.#signal)])
    } finally {
      this.#ended.abort()
      await Promise.allSettled([this.#building, this.#live?.stop(), this.#watching])
    }
  }

  /** The live generation, unless it is of no use to this program's queries: then it is forgotten, and built anew. */
  async #readable(): Promise<GenerationRow | undefined> {
    const { db, logger } = this.#options
    const live = await liveGeneration(db)
    if (live === undefined) return undefined
    const whole = await isLiveWhole(db, this.#models)
    if (whole && live.shape === this.#identity.shape) return live
    const reason = whole ? 'their columns have changed' : 'tables are gone'
    logger.warn({ generation: String(live.number), reason }, 'the read models are built anew from the log')
    await retire(db, this.#models, live.number)
    return undefined
  }

  /** While no event comes nothing else would meet a table that is gone, but readers would. */
  async #watch(): Promise<void> {
    const { db, watchMs } = this.#options
    if (watchMs === undefined) return
    while (!this.#signal.aborted) {
      await pause(watchMs, this.#signal)
      if (!this.#signal.aborted && !(await isLiveWhole(db, this.#models))) throw new TablesGone()
    }
  }

  #project(generation: bigint, checkpoint: bigint, live: boolean): Projection {
    const { db, catalog, channel, onCommit, onUndone } = this.#options
    const base = { db, models: this.#models, catalog, generation, checkpoint }
    return createProjection(
      live
        ? {
            ...base,
            onCommit,
            ...(onUndone === undefined ? {} : { onUndone }),
            ...(channel === undefined ? {} : { channel }),
          }
        : base,
    )
  }

  /** Keeps the live generation at the head of the log until it is stopped, or stops by itself at an event it cannot handle. */
  #follow(projection: Projection): void {
    const stop = new AbortController()
    const done = this.#run(projection, AbortSignal.any([stop.signal, this.#signal]))
    done.catch(this.#fail)
    this.#live = {
      projection,
      stop: async () => {
        stop.abort()
        await done
      },
    }
  }

  async #run(projection: Projection, signal: AbortSignal): Promise<void> {
    const { log, db, logger } = this.#options
    const after = projection.checkpoint === BEGINNING ? 'start' : projection.checkpoint
    for await (const batch of log.subscribe({ after, signal, maxBatch: BATCH_EVENTS })) {
      const poison = await projection.apply(batch)
      if (poison !== undefined) {
        const error = explain(poison)
        logger.error({ error, generation: String(projection.generation) }, 'the read model stopped at an event')
        return await noteError(db, projection.generation, error, false)
      }
      // Readers share this thread and its connection when the database is embedded: let them in.
      await nextTurn()
    }
  }

  #rebuild(): void {
    this.#building ??= this.#build()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#building = undefined
      })
  }

  async #build(): Promise<void> {
    const { db, log, logger, clock } = this.#options
    const target = await this.#patiently(async () => (await log.head()) ?? BEGINNING)
    if (target === undefined) return
    const number = await createGeneration(db, this.#models, this.#identity, target, clock.now())
    const projection = this.#project(number, BEGINNING, false)
    const began = clock.now().getTime()
    let poison = await this.#catchUp(projection)
    const old = this.#live
    // The last stretch with the live one at rest: the switch never takes a reader back.
    await old?.stop()
    poison ??= await this.#catchUp(projection)
    if (this.#signal.aborted) return
    const behind = old !== undefined && projection.checkpoint < old.projection.checkpoint
    if (poison !== undefined && behind) {
      const error = explain(poison)
      logger.error({ error, generation: String(number) }, 'a rebuild failed; the read model stays as it was')
      await noteError(db, number, error, true)
      return this.#follow(this.#project(old.projection.generation, old.projection.checkpoint, true))
    }
    // Nothing is left in the log between the two positions: what stood there has been removed for good.
    const checkpoint = behind ? old.projection.checkpoint : projection.checkpoint
    const { registry, channel, onCommit } = this.#options
    const changes = registry.kinds.map(({ kind }) => ({ kind, names: undefined }))
    const commit = { position: checkpoint, changes }
    const notify = channel === undefined ? undefined : { channel, payload: encodeCommit(commit) }
    // Known from the first moment on: who asked for the rebuild sees that it stopped.
    if (poison !== undefined) await noteError(db, number, explain(poison), false)
    await switchTo(db, this.#models, number, checkpoint, notify)
    onCommit(commit)
    logger.info({ generation: String(number), ms: clock.now().getTime() - began }, 'a read model generation is live')
    this.#follow(this.#project(number, checkpoint, true))
  }

  /** Handles what the log holds now. Resolves with the event that stopped it, if one did. */
  async #catchUp(projection: Projection): Promise<Poison | undefined> {
    const { log } = this.#options
    const signal = this.#signal
    return this.#patiently(async () => {
      const after = projection.checkpoint === BEGINNING ? {} : { after: projection.checkpoint }
      return projection.applyAll(batchesOf(log.readAll({ ...after, signal }), signal))
    })
  }

  /** Repeats what the log's absence stopped, until it works or there is no more need. */
  async #patiently<Result>(attempt: () => Promise<Result>): Promise<Result | undefined> {
    for (let n = 1; !this.#signal.aborted; n += 1) {
      try {
        return await attempt()
      } catch (error) {
        if (this.#signal.aborted) return undefined
        if (!(error instanceof CodedError) || error.code !== logUnavailable.code) throw error
        this.#options.logger.warn({ error: error.message, attempt: n }, 'a rebuild waits for the log')
        await backoff(n, this.#signal)
      }
    }
    return undefined
  }
}

/** Whole batches until `signal` aborts; the loop that takes them gives everybody else in this thread a turn in between. */
async function* batchesOf(
  events: AsyncIterable<RecordedEvent>,
  signal: AbortSignal,
): AsyncGenerator<readonly RecordedEvent[]> {
  let batch: RecordedEvent[] = []
  for await (const event of events) {
    batch.push(event)
    if (batch.length < BATCH_EVENTS) continue
    yield batch
    if (signal.aborted) return
    batch = []
    await nextTurn()
  }
  if (!signal.aborted) yield batch
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
