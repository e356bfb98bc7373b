import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { SqlChannel } from './dialect.ts'
import { startPGlite } from './pglite.ts'
import { MAX_PREPARED, preparedChannel } from './prepared.ts'

describe('statements that stay planned', { timeout: 60_000 }, () => {
  let pglite: PGlite
  let channel: SqlChannel
  beforeAll(async () => {
    pglite = await startPGlite(undefined)
  })
  beforeEach(async () => {
    await pglite.exec('deallocate all; drop table if exists things')
    await pglite.exec('create table things (id bigint primary key, spec json, note text)')
    channel = preparedChannel(pglite)
  })
  afterAll(() => pglite.close())

  const insert = 'insert into things values ($1, $2, $3) returning *'
  const kept = async () => {
    const { rows } = await pglite.query<{ statement: string }>('select statement from pg_prepared_statements')
    return rows.map(({ statement }) => statement)
  }

  it('answer the same every time', async () => {
    for (const id of [1n, 2n, 3n]) {
      const { rows } = await channel.query(insert, [id, JSON.stringify({ id: Number(id) }), `é'"\\ $1`])
      expect(rows).toEqual([{ id, spec: { id: Number(id) }, note: `é'"\\ $1` }])
    }
    expect((await channel.query(insert, [4, '[]', null])).rows).toEqual([{ id: 4n, spec: [], note: null }])
  })

  it('take lists', async () => {
    const list = ['a', 'b "c" \\ d,e}', '', null, 'null']
    for (let i = 0; i < 3; i++)
      expect((await channel.query('select $1::text[] as list', [list])).rows).toEqual([{ list }])
  })

  it('are those that were used twice', async () => {
    await channel.query('select 1 as once', [])
    for (let i = 0; i < 2; i++) await channel.query('select 1 as twice', [])
    expect(await kept()).toEqual(['select 1 as twice'])
  })

  it.each([
    ['at its first use', 0],
    ['when it would be kept', 1],
    ['when it is kept', 2],
  ])('may fail %s, and work the next time', async (_when, uses) => {
    for (let id = 0; id < uses; id++) await channel.query(insert, [id, '{}', ''])
    await expect(channel.query(insert, [9, '{', ''])).rejects.toMatchObject({ code: '22P02' })
    await expect(channel.query(insert, [9, '{}', '\0'])).rejects.toMatchObject({ code: '22021' })
    expect((await channel.query(insert, [9, '{}', ''])).rows).toHaveLength(1)
  })

  it('follow a view to other tables', async () => {
    await pglite.exec('create schema if not exists v; create or replace view v.now as select 1 as n')
    const read = async () => (await channel.query('select n from v.now', [])).rows
    for (let i = 0; i < 3; i++) expect(await read()).toEqual([{ n: 1 }])
    await pglite.exec('drop view v.now; create view v.now as select 2 as n')
    expect(await read()).toEqual([{ n: 2 }])
    await pglite.exec('drop schema v cascade')
  })

  it('are bounded', async () => {
    for (let i = 0; i < MAX_PREPARED + 20; i++)
      for (let use = 0; use < 2; use++) await channel.query(`select ${i} as n`, [])
    expect((await kept()).length).toBeLessThanOrEqual(MAX_PREPARED)
    expect((await channel.query('select 0 as n', [])).rows).toEqual([{ n: 0 }])
  })
})
