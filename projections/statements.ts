import type { Key, ReadModel } from './read-model.ts'

/** The SQL of one table in one generation: text that does not depend on the size of a batch, so it is planned alike. */
export interface TableStatements {
  readonly create: readonly string[]
  /** `$1`: JSON list of keys. */
  readonly load: string
}

const quote = (name: string): string => `"${name}"`
const list = (names: readonly string[]): string => names.map(quote).join(', ')

/** Schema of a generation. */
export const schemaOf = (generation: bigint): string => `rm_${generation}`

/** Creates and reads one table. Text sorts by code point, whatever the server's locale, so that paging agrees everywhere. */
export const tableStatements = (schema: string, model: ReadModel): TableStatements => {
  const table = `${schema}.${quote(model.table)}`
  const columns = model.columns.map(
    ({ name, type, nullable }) =>
      `${quote(name)} ${type}${type === 'text' ? ' collate "C"' : ''}${nullable === true ? '' : ' not null'}`,
  )
  return {
    create: [
      `create table ${table} (${columns.join(', ')}, primary key (${list(model.key)}))`,
      ...model.indexes.map((index) => `create index on ${table} ${index}`),
    ],
    load: `select ${list(model.columns.map(({ name }) => name))} from ${table} join ${recordset(model, '$1', model.key)} using (${list(model.key)})`,
  }
}

/** Columns of type json and jsonb travel as JSON text inside JSON: a NUL in them stays an escape that `json` takes. */
const recordset = (model: ReadModel, parameter: string, names: readonly string[]): string => {
  const types = new Map(model.columns.map(({ name, type }) => [name, type === 'bigint' ? 'bigint' : 'text']))
  const columns = names.map((name) => `${quote(name)} ${types.get(name) ?? 'text'}`)
  return `json_to_recordset(${parameter}::json) as x(${columns.join(', ')})`
}

/**
 * One statement that moves the checkpoint and writes every table, or does nothing: atomic without a round trip more.
 * `$1` new checkpoint, `$2` events handled, `$3` generation, `$4` checkpoint it must be at; then for each model a JSON
 * list of rows and, unless it is insert-only, one of keys to delete. Answers one row, none when the generation is not at `$4`.
 * With `channel`, the last parameter is notified there on commit.
 */
export const writeStatement = (schema: string, models: readonly ReadModel[], channel?: string): string => {
  let next = 5
  const parts = models.flatMap((model) => {
    const table = `${schema}.${quote(model.table)}`
    const names = model.columns.map(({ name }) => name)
    const values = model.columns.map(
      ({ name, type }) => `x.${quote(name)}${type.startsWith('json') ? `::${type}` : ''}`,
    )
    const updates = names
      .filter((name) => !model.key.includes(name))
      .map((name) => `${quote(name)} = excluded.${quote(name)}`)
    const upsert =
      `insert into ${table} (${list(names)}) select ${values.join(', ')} from guard cross join ` +
      `${recordset(model, `$${next++}`, names)} on conflict (${list(model.key)}) do update set ${updates.join(', ')}`
    if (model.insertOnly) return [upsert]
    const match = model.key.map((name) => `t.${quote(name)} = x.${quote(name)}`)
    const remove = `delete from ${table} t using guard, ${recordset(model, `$${next++}`, model.key)} where ${match.join(' and ')}`
    return [upsert, remove]
  })
  const guard =
    'update mcpctl.generations set checkpoint = $1::bigint, events = events + $2::bigint, error = null ' +
    'where number = $3::bigint and checkpoint = $4::bigint returning number'
  const notify = channel === undefined ? '' : `, pg_notify('${channel}', $${next}::text)`
  return `with guard as (${guard}), ${parts.map((part, i) => `p${i} as (${part})`).join(', ')} select number${notify} from guard`
}

/** JSON of one row as `recordset` reads it; put together by hand, because it is made for every event of a rebuild. */
export const encodeRow = (model: ReadModel, row: object): string => {
  const values: Readonly<Record<string, unknown>> = row as Readonly<Record<string, unknown>>
  let text = ''
  for (const { name, type } of model.columns) {
    text += `${text === '' ? '{' : ','}"${name}":${encodeValue(type, values[name])}`
  }
  return `${text}}`
}

const encodeValue = (type: ReadModel['columns'][number]['type'], value: unknown): string => {
  if (value === null || value === undefined) return 'null'
  if (type === 'bigint') return `"${value}"`
  return JSON.stringify(type === 'text' ? value : JSON.stringify(value))
}

/** JSON list of keys. */
export const encodeKeys = (model: ReadModel, keys: readonly Key[]): string =>
  JSON.stringify(keys.map((key) => Object.fromEntries(model.key.map((name, i) => [name, key[i]]))))

/** Identity of a key inside one table. No part of a key holds a NUL: Postgres text cannot. */
export const keyText = (key: Key): string => key.join('\0')

/** Identity of a stored row. */
export const rowKeyText = (model: ReadModel, row: object): string => {
  const values: Readonly<Record<string, unknown>> = { ...row }
  return model.key.map((name) => String(values[name])).join('\0')
}
