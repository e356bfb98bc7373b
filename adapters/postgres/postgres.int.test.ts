import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Cluster, postgresPrograms, startCluster } from './testing/cluster.ts'
import { everything, openSystem, readSideSuite, rebuilt } from './testing/read-side-suite.ts'
import { projectDeclared, warnings } from './testing/sample-events.ts'

const programs = await postgresPrograms()
let databases = 0

describe.skipIf(programs === undefined)('the read side on Postgres', { timeout: 60_000 }, () => {
  let cluster: Cluster
  beforeAll(async () => {
    cluster = await startCluster(programs ?? '')
  }, 60_000)
  afterAll(() => cluster?.remove())

  const database = async () => {
    databases += 1
    return { kind: 'postgres', url: await cluster.createDatabase(`test_${databases}`) } as const
  }
  readSideSuite(database)

  it('heals by itself when the server was killed', async () => {
    const { put, readSide, log } = await openSystem(database)
    await put('project-a', projectDeclared('one'))
    await cluster.stop('immediate')
    await expect(readSide.queries.get('project', 'a')).rejects.toMatchObject({ code: 'read-model-unavailable' })
    expect((await readSide.status())[0]?.state).toBe('unavailable')
    const { position } = await log.append('project-b', [projectDeclared('two')], 'none')
    await cluster.start()
    expect(await readSide.waitFor(position, { timeoutMs: 20_000 })).toBe(true)
    expect((await readSide.queries.get('project', 'b')).row?.spec.description).toBe('two')
  })

  it('fills a database again that was emptied under it', async () => {
    const { put, readSide } = await openSystem(database)
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await asAdmin('drop schema mcpctl cascade; drop schema live cascade')
    await asAdmin(KILL)
    await vi.waitFor(async () => expect(await everything(readSide)).toEqual(before), { timeout: 20_000 })
  })

  it.each([
    'drop schema live cascade; drop schema rm_1 cascade',
    'drop schema rm_1 cascade',
    'drop schema live cascade',
  ])('fills the tables again while nothing is written: %s', async (drop) => {
    const { put, readSide } = await openSystem(database)
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await asAdmin(drop)
    await vi.waitFor(async () => expect(await everything(readSide)).toEqual(before), { timeout: 20_000 })
    await put('project-a', projectDeclared('two'))
    expect((await readSide.status())[0]).toMatchObject({ state: 'live', generation: '2' })
  })

  it('fills tables again at start that were dropped while it was down', async () => {
    const { put, readSide, reopen } = await openSystem(database)
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await readSide.close()
    await asAdmin('drop schema live cascade; drop schema rm_1 cascade')
    const again = await reopen()
    await vi.waitFor(async () => expect(await everything(again)).toEqual(before), { timeout: 20_000 })
  })

  it('tries less and less often while tables cannot be made, and heals once they can', async () => {
    const { logger, seen } = warnings()
    const { put, readSide } = await openSystem(database, logger)
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await asAdmin(`
      create function public.refuse() returns event_trigger language plpgsql as $$ begin raise 'no tables'; end $$;
      create event trigger refuse on ddl_command_start when tag in ('CREATE TABLE') execute function public.refuse();
      drop schema live cascade; drop schema rm_1 cascade`)
    await vi.waitFor(() => expect(seen).toContainEqual(expect.objectContaining({ reason: 'P0001', failures: 4 })), {
      timeout: 20_000,
    })
    await asAdmin('drop event trigger refuse')
    await vi.waitFor(async () => expect(await everything(readSide)).toEqual(before), { timeout: 20_000 })
  })

  it('names the server and the database in what it says of an outage, and nobody who uses them', async () => {
    const { logger, seen } = warnings()
    let place = ''
    const { put, readSide } = await openSystem(async () => {
      const { kind, url } = await database()
      place = url.slice(url.indexOf('@') + 1)
      return { kind, url: url.replace('mcpd@', 'mcpd:hunter2@') }
    }, logger)
    await put('project-a', projectDeclared('one'))
    await cluster.stop('immediate')
    await vi.waitFor(
      () => expect(seen).toContainEqual(expect.objectContaining({ reason: 'ECONNREFUSED', database: place })),
      { timeout: 20_000 },
    )
    const message = `the read model is not available: cannot connect to ${place} (ECONNREFUSED)`
    await expect(readSide.queries.get('project', 'a')).rejects.toMatchObject({
      code: 'read-model-unavailable',
      message,
    })
    expect((await readSide.status())[0]).toMatchObject({ state: 'unavailable', error: { message } })
    expect(JSON.stringify([seen, await readSide.status()])).not.toMatch(/hunter2|mcpd/)
    await cluster.start()
    await vi.waitFor(async () => expect((await readSide.status())[0]?.state).toBe('live'), { timeout: 20_000 })
  })

  const asAdmin = (text: string) => cluster.query(`test_${databases}`, text)
  const KILL = `select pg_terminate_backend(pid) from pg_stat_activity
    where pid <> pg_backend_pid() and datname = current_database()`

  const UNDER_WAY = `select 1 from mcpctl.generations where state = 'building' and checkpoint > 0`

  it('drops a rebuild that was killed, and goes on with what is live', async () => {
    const { put, readSide } = await openSystem(database)
    const many = Array.from({ length: 500 }, (_, n) => projectDeclared(`${n}`))
    for (let n = 0; n < 40; n += 1) await put(`project-p${n}`, ...many)
    const [before, generation] = [await everything(readSide), (await readSide.status())[0]?.generation]
    await readSide.rebuild()
    await vi.waitFor(
      async () => {
        // In one statement with the kill, so that the rebuild cannot end in between.
        expect(await asAdmin(`${KILL} and exists (${UNDER_WAY})`)).not.toEqual([])
      },
      { timeout: 20_000, interval: 1 },
    )
    await vi.waitFor(async () => expect((await readSide.status())[0]?.state).toBe('live'), { timeout: 20_000 })
    await put('project-after', projectDeclared('x'))
    expect((await readSide.status())[0]?.generation).toBe(generation)
    expect((await readSide.queries.get('project', 'p1')).row).toEqual(
      before.rows.flat().find(({ name }) => name === 'p1'),
    )
    expect(await asAdmin(`select nspname from pg_namespace where nspname like 'rm\\_%'`)).toEqual([
      { nspname: `rm_${generation}` },
    ])
  })

  it('is kept by one of two programs, read by both, and taken over when the first ends', async () => {
    const { put, readSide, second, log } = await openSystem(database)
    await put('project-a', projectDeclared('one'))
    const other = await second()
    const seen: unknown[] = []
    other.changes((kind, names) => seen.push([kind, names]))
    const { position } = await log.append('project-b', [projectDeclared('two')], 'none')
    expect(await other.waitFor(position)).toBe(true)
    expect((await other.queries.get('project', 'b')).asOf).toBe(position)
    expect(seen).toContainEqual(['project', ['b']])
    const locks = await asAdmin(`select 1 from pg_locks where locktype = 'advisory' and granted`)
    expect(locks).toHaveLength(1)
    await rebuilt(other)
    await readSide.close()
    const later = await log.append('project-b', [projectDeclared('three')], 0n)
    expect(await other.waitFor(later.position, { timeoutMs: 20_000 })).toBe(true)
    expect((await other.queries.get('project', 'b')).row?.spec.description).toBe('three')
  })
})
