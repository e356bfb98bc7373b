import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Cluster, postgresPrograms, startCluster } from './testing/cluster.ts'
import { everything, openSystem, readSideSuite } from './testing/read-side-suite.ts'
import { projectDeclared } from './testing/sample-events.ts'

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
    const url = cluster.url.replace(/postgres$/, `test_${databases}`)
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    await client.query('drop schema mcpctl cascade; drop schema live cascade')
    await client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()`,
    )
    await client.end()
    await vi.waitFor(async () => expect(await everything(readSide)).toEqual(before), { timeout: 20_000 })
  })
})
