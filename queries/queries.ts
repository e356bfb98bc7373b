import { CompiledQuery, type Expression, type Kysely, type RawBuilder, sql } from 'kysely'
import type { Position } from '../domain/kernel/event.ts'
import type { ResourceRow } from '../domain/kernel/resource.ts'
import type { HistoryRow, Tables } from '../projections/tables.ts'
import type { CommitSignal } from './commit-signal.ts'
import { decodeCursor, encodeCursor } from './cursor.ts'
import { asUnavailable, invalidLimit, readModelUnavailable } from './errors.ts'
import { labelCondition, parseLabelSelector } from './label-selector.ts'
import { together } from './together.ts'

export const DEFAULT_LIMIT = 500
export const MAX_LIMIT = 1000

export interface ListOptions {
  readonly kind: string
  /** kubectl's syntax: `team=a,tier!=b`. */
  readonly labelSelector?: string
  /** 1 to 1000; 500 if left out. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string
  /** Members of the spec that must have this value. */
  readonly fieldFilter?: { readonly server?: string | undefined }
}

export interface Page<Row> {
  readonly items: readonly Row[]
  /** The rows are what all events up to this position make; −1 for an empty log. */
  readonly asOf: Position
  /** Where the next page begins; absent on the last. */
  readonly nextCursor?: string
}

/** Answers from the rows. Each is one statement, so rows and `asOf` are one snapshot. All throw `read-model-unavailable`. */
export interface Queries {
  /** Resources of a kind by name. @throws invalid-cursor, invalid-selector, invalid-limit */
  list(options: ListOptions): Promise<Page<ResourceRow>>
  get(kind: string, name: string): Promise<{ readonly row: ResourceRow | undefined; readonly asOf: Position }>
  /** Declared revisions, newest first; those of a deleted resource too. @throws invalid-cursor, invalid-limit */
  history(
    kind: string,
    name: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<Page<HistoryRow>>
  /** How many resources of a kind have each value of one member of their status; '' where it is missing. */
  countByStatus(kind: string, member: string): Promise<ReadonlyMap<string, number>>
  /** The last commit that changed a row of the kind, as far as this program knows: never too early. Undefined: none did. */
  lastChange(kind: string): Promise<Position | undefined>
}

const NAME = /^[^\0]{1,250}$/
const REVISION = /^[0-9]{1,18}$/

const checked = (limit = DEFAULT_LIMIT): number => {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT) throw invalidLimit(limit, MAX_LIMIT)
  return limit
}

/** What one statement answers: the checkpoint beside each row, and beside nothing (all members null) when there is none. */
type Beside<Row> = { readonly asOf: Position } & Row

/** Resources by kind (`$1`) and name (`$2`), two lists of equal length. */
const BY_NAME = `
  select c.checkpoint as "asOf", r.* from live.checkpoint c left join (
    select r.* from unnest($1::text[], $2::text[]) as k (kind, name) join live.resources r using (kind, name)
  ) r on true`

export const createQueries = (db: Kysely<Tables>, commits: Pick<CommitSignal, 'row' | 'lastChange'>): Queries => {
  /** `order` is repeated outside: a join keeps no order. */
  const ask = async <Row extends { readonly kind: string }>(
    rows: Expression<Row>,
    order: RawBuilder<unknown>,
  ): Promise<{ readonly asOf: Position; readonly rows: readonly Row[] }> => {
    const statement = sql<Beside<Row>>`
      select c.checkpoint as "asOf", r.* from live.checkpoint c left join ${rows} r on true order by ${order}`
    return besides((await unlessUnavailable(statement.execute(db))).rows)
  }

  const one = together(async (keys: readonly { readonly kind: string; readonly name: string }[]) => {
    const parameters = [keys.map(({ kind }) => kind), keys.map(({ name }) => name)]
    const asked = db.executeQuery<Beside<ResourceRow>>(CompiledQuery.raw(BY_NAME, parameters))
    const { asOf, rows } = besides((await unlessUnavailable(asked)).rows)
    const found = new Map(rows.map((row) => [`${row.kind}/${row.name}`, row]))
    return keys.map(({ kind, name }) => ({ row: found.get(`${kind}/${name}`), asOf }))
  })

  return {
    async list({ kind, labelSelector = '', limit, cursor, fieldFilter }) {
      const most = checked(limit)
      const requirements = parseLabelSelector(labelSelector)
      const after = cursor === undefined ? undefined : decodeCursor(cursor, kind, NAME)
      let rows = db.selectFrom('live.resources').selectAll().where('kind', '=', kind)
      if (after !== undefined) rows = rows.where('name', '>', after)
      for (const each of requirements) rows = rows.where(labelCondition(sql.ref('labels'), each))
      if (fieldFilter?.server !== undefined) rows = rows.where(sql`(spec ->> 'server')`, '=', fieldFilter.server)
      const found = await ask(rows.orderBy('name').limit(most + 1), sql`r.name`)
      return pageOf(found, most, (row) => encodeCursor(kind, row.name))
    },

    // What was written last is asked for most, by whoever wrote it: it came with the commit.
    get: async (kind, name) => commits.row(kind, name) ?? one({ kind, name }),

    async history(kind, name, { limit, cursor } = {}) {
      const most = checked(limit)
      const scope = `${kind}/${name}`
      const before = cursor === undefined ? undefined : BigInt(decodeCursor(cursor, scope, REVISION))
      let rows = db.selectFrom('live.history').selectAll().where('kind', '=', kind).where('name', '=', name)
      if (before !== undefined) rows = rows.where('revision', '<', before)
      const found = await ask(rows.orderBy('revision', 'desc').limit(most + 1), sql`r.revision desc`)
      return pageOf(found, most, (row) => encodeCursor(scope, String(row.revision)))
    },

    async countByStatus(kind, member) {
      const value = sql<string>`coalesce(status ->> ${member}::text, '')`.as('value')
      const counts = db
        .selectFrom('live.resources')
        .select([value, sql<bigint>`count(*)`.as('count')])
        .where('kind', '=', kind)
        .groupBy(sql`1`)
      const rows = await unlessUnavailable(counts.execute())
      return new Map(rows.map(({ value, count }) => [value, Number(count)]))
    },

    lastChange: async (kind) => commits.lastChange(kind),
  }
}

/** The checkpoint, and the rows where there are any. @throws read-model-unavailable without a checkpoint */
const besides = <Row extends { readonly kind: string }>(found: readonly Beside<Row>[]) => {
  const [first] = found
  if (first === undefined) throw readModelUnavailable('it is being built')
  return { asOf: first.asOf, rows: found.filter(({ kind }) => kind !== null).map(withoutAsOf) }
}

const unlessUnavailable = async <Result>(asked: Promise<Result>): Promise<Result> => {
  try {
    return await asked
  } catch (error) {
    throw asUnavailable(error)
  }
}

const withoutAsOf = <Row extends object>({ asOf: _, ...row }: Beside<Row>): Row => row as unknown as Row

/** One row more than asked for says that there is another page. */
const pageOf = <Row>(
  { asOf, rows }: { readonly asOf: Position; readonly rows: readonly Row[] },
  most: number,
  cursorAt: (last: Row) => string,
): Page<Row> => {
  const items = rows.slice(0, most)
  const last = items.at(-1)
  return rows.length > most && last !== undefined ? { items, asOf, nextCursor: cursorAt(last) } : { items, asOf }
}
