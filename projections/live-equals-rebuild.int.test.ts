import fc from 'fast-check'
import { Kysely, sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { channelDialect } from '../adapters/postgres/dialect.ts'
import { type EmbeddedDatabase, openPGlite } from '../adapters/postgres/pglite.ts'
import { silent } from '../adapters/postgres/testing/sample-events.ts'
import { catalog } from '../domain/catalog.ts'
import type { RecordedEvent } from '../domain/kernel/event.ts'
import { createGeneration, dropLeftOvers, identityOf } from './generations.ts'
import { createProjection } from './projection.ts'
import { readModels } from './projector.ts'
import { BEGINNING, type Tables } from './tables.ts'
import { given, recorded, registry } from './testing/given.ts'
import { randomHistory } from './testing/random-history.ts'

const models = readModels(registry)
const identity = identityOf(models, registry)

/** What happens to a write: it is committed, the program dies before or after the database took it, or its values are refused. */
type Fate = 'well' | 'before' | 'after' | 'refused'

let database: EmbeddedDatabase
let db: Kysely<Tables>
let fate: Fate = 'well'
/** Of the writes to come, before `fate` counts. */
let fatesToCome: Fate[] = []
beforeAll(async () => {
  database = await openPGlite(undefined, silent)
  const query = async (text: string, parameters: readonly unknown[]) => {
    const its = text.startsWith('with guard') ? (fatesToCome.shift() ?? fate) : 'well'
    if (its === 'before') throw new Error('killed before the commit')
    if (its === 'refused') throw Object.assign(new Error('invalid byte sequence'), { code: '22021' })
    const answer = await database.pglite.query<object>(text, [...parameters])
    if (its === 'after') throw new Error('killed after the commit')
    return answer
  }
  db = new Kysely({ dialect: channelDialect({ query }, { transactions: true }) })
})
afterAll(() => database?.close())

const newGeneration = () => createGeneration(db, models, identity, BEGINNING, new Date())
const open = async (generation: bigint) => {
  const { checkpoint } = await db
    .selectFrom('mcpctl.generations')
    .select('checkpoint')
    .where('number', '=', generation)
    .executeTakeFirstOrThrow()
  return createProjection({ db, models, catalog, generation, checkpoint })
}

/** Batch by batch; a program that was killed is followed by one that knows only what the database has. */
const live = async (events: readonly RecordedEvent[], sizes: readonly number[], fates: readonly Fate[]) => {
  const generation = await newGeneration()
  let projection = await open(generation)
  for (let from = 0, n = 0; from < events.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1
    fate = fates[n % fates.length] ?? 'well'
    try {
      expect(await projection.apply(events.slice(from, from + size))).toBeUndefined()
      from += size
    } catch (error) {
      if (fate === 'well') throw error
      fate = 'well'
      projection = await open(generation)
      // Delivery is at least once: the batch comes again, with one that was handled already before it.
      expect(await projection.apply(events.slice(Math.max(0, from - 1), from + size))).toBeUndefined()
      from += size
    }
  }
  fate = 'well'
  return generation
}

/** All batches in one go, each folded while another is written, begun again by a new program after each kill or refusal. */
const ahead = async (events: readonly RecordedEvent[], sizes: readonly number[], fates: readonly Fate[]) => {
  const generation = await newGeneration()
  fatesToCome = [...fates]
  for (;;) {
    const projection = await open(generation)
    try {
      if ((await projection.applyAll(inBatches(events, sizes))) !== undefined) continue
      fatesToCome = []
      return generation
    } catch (error) {
      if (!String(error).includes('killed')) throw error
    }
  }
}

async function* inBatches(events: readonly RecordedEvent[], sizes: readonly number[]) {
  for (let from = 0, n = 0; from < events.length; n += 1) {
    const size = sizes[n % sizes.length] ?? 1
    yield events.slice(from, from + size)
    from += size
  }
}

const rowsOf = async (generation: bigint): Promise<readonly (readonly unknown[])[]> => {
  const tables = models.map(({ table, key }) =>
    sql`select * from ${sql.ref(`rm_${generation}.${table}`)} order by ${sql.join(key.map((name) => sql.ref(name)))}`.execute(
      db,
    ),
  )
  return (await Promise.all(tables)).map(({ rows }) => rows)
}

/** By key, in an order that does not depend on who made them. */
const sorted = (rows: readonly unknown[]): readonly unknown[] => {
  const keyOf = (row: unknown): string => {
    const { kind, name, revision } = row as { kind: string; name: string; revision: bigint }
    return JSON.stringify([kind, name, String(revision)])
  }
  return [...rows].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

describe('rows made live, in batches, by programs that are killed', () => {
  it('equal those of a rebuild in one go, and those of the pure folds, for any history', { timeout: 120_000 }, () =>
    fc.assert(
      fc.asyncProperty(
        randomHistory(60),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
        fc.array(fc.constantFrom<Fate>('well', 'before', 'after'), { minLength: 1, maxLength: 7 }),
        async (told, sizes, fates) => {
          await dropLeftOvers(db)
          const events = recorded(told)
          const piecemeal = await live(events, sizes, fates)
          const rebuilt = await newGeneration()
          expect(await (await open(rebuilt)).apply(events)).toBeUndefined()
          expect(await rowsOf(piecemeal)).toEqual(await rowsOf(rebuilt))
          const refusals = fates.map((each) => (each === 'before' ? 'refused' : each))
          expect(await rowsOf(await ahead(events, sizes, [...fates, ...refusals]))).toEqual(await rowsOf(rebuilt))

          const folded = given(told)
          const [resources = [], history = []] = await rowsOf(rebuilt)
          expect(sorted(resources)).toEqual(sorted(folded.resources))
          expect(sorted(history)).toEqual(sorted(folded.history))
          const counted = db.selectFrom('mcpctl.generations').select('events').where('number', '=', piecemeal)
          expect((await counted.executeTakeFirstOrThrow()).events).toBe(BigInt(events.length))
        },
      ),
      { numRuns: 60 },
    ),
  )
})

describe('a value that the database refuses, while the next batch is folded already', () => {
  it('stops there: what comes before is written, and nothing after', { timeout: 30_000 }, async () => {
    await dropLeftOvers(db)
    const spec = { command: 'node', args: [], env: [], transport: 'STDIO', replicas: 1 }
    const told = Array.from({ length: 20 }, (_, i) => {
      const data = { uid: `uid-${i}`, labels: {}, spec }
      return [`server-s${i}`, 'ServerDeclared', data] as const
    })
    const events = recorded(told).map((event, i) => {
      const actor = { kind: 'User', name: i === 10 ? 'a\0b' : 'ada' } as const
      return { ...event, metadata: { ...event.metadata, actor } }
    })
    const projection = await open(await newGeneration())
    const poison = await projection.applyAll(inBatches(events, [4]))
    expect(poison).toMatchObject({ event: { position: 11n }, cause: { code: '22P05' } })
    expect(projection.checkpoint).toBe(10n)
    const [resources = []] = await rowsOf(projection.generation)
    expect(resources.length).toBe(10)
  })
})

describe('a commit that is told while it is written', () => {
  it('is taken back when the database does not take it, and told again when it does', async () => {
    await dropLeftOvers(db)
    const spec = { command: 'node', args: [], env: [], transport: 'STDIO', replicas: 1 }
    const events = recorded(
      ['a', 'b'].map((name) => [`server-${name}`, 'ServerDeclared', { uid: name, labels: {}, spec }]),
    )
    const told: string[] = []
    const projection = createProjection({
      db,
      models,
      catalog,
      generation: await newGeneration(),
      checkpoint: BEGINNING,
      onCommit: ({ position, rows }) => told.push(`${position}: ${rows?.map(({ name }) => name)}`),
      onUndone: (position) => told.push(`back to ${position}`),
    })
    await projection.apply(events.slice(0, 1))
    fatesToCome = ['before']
    await expect(projection.apply(events)).rejects.toThrow('killed')
    await projection.apply(events)
    expect(told).toEqual(['1: a', '2: b', 'back to 1', '2: b'])
  })
})

describe('a log that goes away while a write fails', () => {
  it('leaves nothing in memory that the database has not: the next attempt counts no event twice', async () => {
    await dropLeftOvers(db)
    const at = '2026-03-01T12:00:00.000Z'
    const base = { server: 's', serverUid: 'u', specHash: 'h', at }
    const exited = { ...base, reason: 'it ended', code: 1, failures: 1, nextRetryAt: at }
    const events = recorded([
      ['instance-s-1', 'InstanceCreated', { ...base, uid: 'x' }],
      ['instance-s-1', 'InstanceExited', exited],
    ])
    const projection = await open(await newGeneration())
    await projection.apply(events.slice(0, 1))
    const goesAway = async function* () {
      fatesToCome = ['before']
      yield events.slice(1)
      throw new Error('the log is away')
    }
    await expect(projection.applyAll(goesAway())).rejects.toThrow('the log is away')
    expect(await projection.applyAll(inBatches(events, [1]))).toBeUndefined()
    const [resources = []] = await rowsOf(projection.generation)
    expect(resources).toMatchObject([{ name: 's-1', status: { restarts: 1 } }])
  })
})
