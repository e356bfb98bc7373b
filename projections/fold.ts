import type { Recorded } from '../domain/kernel/decider.ts'
import type { RecordedEvent } from '../domain/kernel/event.ts'
import type { Catalog } from '../domain/kernel/event-type.ts'
import type { Key, ReadModel } from './read-model.ts'
import { keyText } from './statements.ts'

/** An event that cannot be handled, and why. */
export interface Poison {
  readonly event: RecordedEvent
  readonly cause: unknown
}

interface Touched {
  readonly model: ReadModel
  readonly key: Key
  /** Identity of the row among those of the same table. */
  readonly id: string
}

/** One event with the rows it touches. */
export interface Step {
  readonly event: Recorded
  readonly touched: readonly Touched[]
}

/** The steps before the first event that cannot be decoded or named rows for. */
export const plan = (
  models: readonly ReadModel[],
  catalog: Catalog,
  events: readonly RecordedEvent[],
): { readonly steps: readonly Step[]; readonly poison?: Poison } => {
  const steps: Step[] = []
  for (const recorded of events) {
    try {
      const event = catalog.decode(recorded)
      const touched = models.flatMap((model) => model.keys(event).map((key) => ({ model, key, id: keyText(key) })))
      steps.push({ event, touched })
    } catch (cause) {
      return { steps, poison: { event: recorded, cause } }
    }
  }
  return { steps }
}

/** A row as it is after a batch; undefined is no row. */
export interface Change {
  readonly key: Key
  readonly row: object | undefined
}

/** What a batch makes of each table: the last state of each row it changed, by the row's identity. */
export type Changes = ReadonlyMap<ReadModel, ReadonlyMap<string, Change>>

/**
 * Folds steps into rows. Pure but for `before`, which answers the stored row. An event that throws changes nothing; what
 * came before it counts.
 * @returns `handled`: how many steps were folded; `failure` when the next one threw.
 */
export const foldSteps = (
  models: readonly ReadModel[],
  steps: readonly Step[],
  before: (model: ReadModel, id: string) => object | undefined,
): { readonly changes: Changes; readonly handled: number; readonly failure?: { readonly cause: unknown } } => {
  const changes = new Map(models.map((model) => [model, new Map<string, Change>()]))
  let handled = 0
  for (const { event, touched } of steps) {
    const pending: { readonly of: Touched; readonly row: object | undefined }[] = []
    try {
      for (const each of touched) {
        const changed = changes.get(each.model)?.get(each.id)
        const old = changed === undefined ? before(each.model, each.id) : changed.row
        const row = each.model.evolve(old, event, each.key)
        if (row !== old) pending.push({ of: each, row })
      }
    } catch (cause) {
      return { changes, handled, failure: { cause } }
    }
    for (const { of, row } of pending) changes.get(of.model)?.set(of.id, { key: of.key, row })
    handled += 1
  }
  return { changes, handled }
}
