import type { Recorded } from '../domain/kernel/decider.ts'

/** A row's primary key as text, in the order of `ReadModel.key`; its first two parts are a resource's kind and name. */
export type Key = readonly string[]

/** A column and its Postgres type. `json` keeps text as it came, NUL and lone surrogates included, which `jsonb` refuses. */
export interface Column {
  readonly name: string
  readonly type: 'text' | 'bigint' | 'jsonb' | 'json'
  readonly nullable?: true
}

/**
 * One table of rows folded from events. Pure: no SQL, no clock. Columns are named after the row's members.
 *
 * @example
 * const counters: ReadModel<{ kind: string; name: string; count: bigint }> = {
 *   table: 'counters', version: 1, key: ['kind', 'name'], columns: […], indexes: [], insertOnly: false,
 *   keys: (event) => [['counter', event.stream]],
 *   evolve: (row, event, [kind, name]) => ({ kind, name, count: (row?.count ?? 0n) + 1n }),
 * }
 */
export interface ReadModel<Row extends object = object> {
  readonly table: string
  /** Raised whenever columns or meaning change: the rows are then rebuilt. */
  readonly version: number
  /** Columns of the primary key. */
  readonly key: readonly string[]
  readonly columns: readonly Column[]
  /** What follows `create index on <table>`. */
  readonly indexes: readonly string[]
  /** Every key is written once and never read by `evolve`: the runner then loads and keeps nothing. */
  readonly insertOnly: boolean
  /** The rows an event touches, known from the event alone, each once. */
  keys(event: Recorded): readonly Key[]
  /** The row after the event; undefined is no row, the same object is no change. */
  evolve(row: Row | undefined, event: Recorded, key: Key): Row | undefined
}
