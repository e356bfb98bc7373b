import { CompiledQuery, type Kysely } from 'kysely'
import type { Position, RecordedEvent } from '../domain/kernel/event.ts'
import type { Catalog } from '../domain/kernel/event-type.ts'
import type { ResourceRow } from '../domain/kernel/resource.ts'
import { type ChangedRow, type Commit, encodeCommit, type KindChange } from './commit.ts'
import { isDataError } from './database-errors.ts'
import { type Changes, foldSteps, type Poison, plan, type Step } from './fold.ts'
import type { ReadModel } from './read-model.ts'
import { RowCache } from './row-cache.ts'
import { encodeKeys, encodeRow, rowKeyText, schemaOf, tableStatements, writeStatement } from './statements.ts'
import type { Tables } from './tables.ts'

export interface ProjectionOptions {
  readonly db: Kysely<Tables>
  readonly models: readonly ReadModel[]
  readonly catalog: Catalog
  readonly generation: bigint
  readonly checkpoint: Position
  /** Where commits are notified, for other programs; left out where nobody listens. */
  readonly channel?: string
  /**
   * Told of each commit: with its rows as soon as the database has been given them, without them once it is done. Must not
   * throw.
   */
  readonly onCommit?: (commit: Commit) => void
  /** What was told last did not come to be: the rows are as of this position. Must not throw. */
  readonly onUndone?: (position: Position) => void
}

/** The one writer of a generation: folds batches of events into its rows. */
export interface Projection {
  readonly generation: bigint
  readonly checkpoint: Position
  /**
   * Folds events after the checkpoint, in order, and commits rows and checkpoint at once. Events at or before the
   * checkpoint are passed over. Resolves with the event that cannot be handled, if there is one: all before it is committed then.
   * @throws the database's error when it could not commit; nothing is half done, and the same batch may be given again.
   */
  apply(events: readonly RecordedEvent[]): Promise<Poison | undefined>
  /** The same for one batch after the other, each folded while the one before it is written. */
  applyAll(batches: AsyncIterable<readonly RecordedEvent[]>): Promise<Poison | undefined>
}

/** Another program moved the checkpoint: this one is not, or no longer, the generation's only writer. */
export class LostGeneration extends Error {
  constructor(generation: bigint) {
    super(`generation ${generation} is written by somebody else`)
    this.name = 'LostGeneration'
  }
}

export const createProjection = (options: ProjectionOptions): Projection => {
  const { db, models, catalog, generation, channel } = options
  const schema = schemaOf(generation)
  const caches = new Map(models.map((model) => [model, new RowCache(options.checkpoint < 0n)]))
  const loads = new Map(models.map((model) => [model, tableStatements(schema, model).load]))
  const statement = writeStatement(schema, models, channel)
  let checkpoint = options.checkpoint

  const load = async (steps: readonly Step[]): Promise<void> => {
    for (const model of models) {
      const cache = caches.get(model)
      if (cache === undefined || model.insertOnly || cache.complete) continue
      const missing = new Map<string, readonly string[]>()
      for (const { touched } of steps)
        for (const { model: of, key, id } of touched) if (of === model && !cache.has(id)) missing.set(id, key)
      if (missing.size === 0) continue
      const text = loads.get(model) ?? ''
      const { rows } = await db.executeQuery<object>(
        CompiledQuery.raw(text, [encodeKeys(model, [...missing.values()])]),
      )
      const found = new Map(rows.map((row) => [rowKeyText(model, row), row]))
      for (const id of missing.keys()) loaded.set(`${model.table}\0${id}`, found.get(id))
    }
  }
  /** Rows read for the batch at hand; they become the cache's only once the batch is committed. */
  const loaded = new Map<string, object | undefined>()
  const before = (model: ReadModel, id: string): object | undefined => {
    const cache = caches.get(model)
    return cache?.has(id) === true ? cache.get(id) : loaded.get(`${model.table}\0${id}`)
  }

  /** Folds events into rows, by what the caches and the database hold; neither is changed. */
  const fold = async (events: readonly RecordedEvent[]): Promise<Folded> => {
    const { steps, poison } = plan(models, catalog, events)
    loaded.clear()
    await load(steps)
    const { changes, handled, failure } = foldSteps(models, steps, before)
    const failed = events[handled]
    const stopped = failure !== undefined && failed !== undefined ? { event: failed, cause: failure.cause } : poison
    return { events, handled, poison: stopped, changes, ...encode(changes) }
  }

  /** Puts folded rows into the caches and writes them: from its call on, later folds stand on them. */
  const write = async ({ events, handled, changes, tables, sizes }: Folded): Promise<void> => {
    const position = events[handled - 1]?.position
    if (position === undefined) return
    for (const [model, changed] of changes) {
      const cache = caches.get(model)
      if (cache === undefined || model.insertOnly) continue
      for (const [id, { row }] of changed) cache.set(id, row, row === undefined ? 0 : (sizes.get(row) ?? 0))
    }
    const committed: Commit = { position, changes: kindsOf(changes) }
    const notified = channel === undefined ? [] : [encodeCommit(committed)]
    const parameters = [position, handled, generation, checkpoint, ...tables, ...notified]
    const told = channel === undefined ? smallRows(changes, sizes) : undefined
    const writing = db.executeQuery(CompiledQuery.raw(statement, parameters))
    // Whoever hears of it now asks behind the write: there is one connection, and it answers in order.
    if (told !== undefined) options.onCommit?.({ ...committed, rows: told })
    try {
      if ((await writing).rows.length === 0) throw new LostGeneration(generation)
    } catch (error) {
      if (told !== undefined) options.onUndone?.(checkpoint)
      throw error
    }
    checkpoint = position
    if (told === undefined) options.onCommit?.(committed)
  }

  const forget = (): void => {
    for (const cache of caches.values()) cache.clear()
  }

  /** What the database says is certain again, the caches are not. @returns the event whose values it refuses */
  const recover = async (error: unknown, events: readonly RecordedEvent[]): Promise<Poison | undefined> => {
    forget()
    const [only] = events
    if (!isDataError(error) || only === undefined) throw error
    // Find the event the value came from, and commit what stands before it.
    if (events.length === 1) return { event: only, cause: error }
    const half = Math.ceil(events.length / 2)
    return (await apply(events.slice(0, half))) ?? (await apply(events.slice(half)))
  }

  const apply = async (events: readonly RecordedEvent[]): Promise<Poison | undefined> => {
    const fresh = events.filter(({ position }) => position > checkpoint)
    if (fresh.length === 0) return undefined
    try {
      const folded = await fold(fresh)
      await write(folded)
      return folded.poison
    } catch (error) {
      return recover(error, fresh)
    }
  }

  const applyAll = async (batches: AsyncIterable<readonly RecordedEvent[]>): Promise<Poison | undefined> => {
    let last: { readonly folded: Folded; readonly written: Promise<void> } | undefined
    /** Waits for the batch that is being written; resolves with the event that this one ends at. */
    const settle = async (): Promise<Poison | undefined> => {
      if (last === undefined) return undefined
      try {
        await last.written
        return last.folded.poison
      } catch (error) {
        return recover(error, last.folded.events)
      }
    }
    try {
      for await (const batch of batches) {
        const behind = last?.folded.events.at(-1)?.position ?? checkpoint
        const fresh = batch.filter(({ position }) => position > behind)
        if (fresh.length === 0) continue
        const folded = await fold(fresh)
        const poison = await settle()
        if (poison !== undefined) return poison
        const written = write(folded)
        written.catch(() => undefined) // for the one who settles
        last = { folded, written }
      }
      return await settle()
    } finally {
      // Whatever else ended the loop: the caches must not stay ahead of the database.
      await last?.written.catch(forget)
    }
  }

  return {
    generation,
    get checkpoint() {
      return checkpoint
    },
    apply,
    applyAll,
  }
}

/** A batch on its way into the database. */
interface Folded {
  readonly events: readonly RecordedEvent[]
  /** How many of them, from the first on, went into `changes`. */
  readonly handled: number
  /** The event after those, when it cannot be handled. */
  readonly poison: Poison | undefined
  readonly changes: Changes
  /** Parameters of the write statement: for each model rows, and keys to delete. */
  readonly tables: readonly string[]
  /** Characters of each row as JSON. */
  readonly sizes: ReadonlyMap<object, number>
}

const encode = (changes: Changes): Pick<Folded, 'tables' | 'sizes'> => {
  const tables: string[] = []
  const sizes = new Map<object, number>()
  for (const [model, changed] of changes) {
    const texts: string[] = []
    const gone: (readonly string[])[] = []
    for (const { key, row } of changed.values()) {
      if (row === undefined) gone.push(key)
      else {
        const text = encodeRow(model, row)
        sizes.set(row, text.length)
        texts.push(text)
      }
    }
    tables.push(`[${texts.join(',')}]`)
    if (!model.insertOnly) tables.push(encodeKeys(model, gone))
  }
  return { tables, sizes }
}

/** Most characters of JSON that a commit tells of. */
const MAX_TOLD = 128 * 1024

/** The resources that a commit changed, unless they are too large together to be told. */
const smallRows = (changes: Changes, sizes: ReadonlyMap<object, number>): readonly ChangedRow[] | undefined => {
  const rows: ChangedRow[] = []
  let told = 0
  for (const [{ table }, changed] of changes) {
    if (table !== 'resources') continue
    for (const { key, row } of changed.values()) {
      const [kind = '', name = ''] = key
      told += (row === undefined ? 0 : (sizes.get(row) ?? 0)) + name.length
      if (told > MAX_TOLD) return undefined
      rows.push({ kind, name, row: row as ResourceRow | undefined })
    }
  }
  return rows
}

const kindsOf = (changes: Changes): readonly KindChange[] => {
  const names = new Map<string, Set<string>>()
  for (const rows of changes.values())
    for (const { key } of rows.values()) {
      const [kind = '', name = ''] = key
      const known = names.get(kind)
      if (known === undefined) names.set(kind, new Set([name]))
      else known.add(name)
    }
  return [...names].map(([kind, all]) => ({ kind, names: [...all] }))
}
