import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type Cluster, postgresPrograms, startCluster } from './testing/cluster.ts'
import { type CuttableWay, startProxy } from './testing/proxy.ts'
import { everything, openSystem, type System } from './testing/read-side-suite.ts'
import { event, projectDeclared, silent, warnings } from './testing/sample-events.ts'

const programs = await postgresPrograms()
const WAIT = { timeout: 20_000, interval: 20 }
const KILL = `select pg_terminate_backend(pid) from pg_stat_activity
  where pid <> pg_backend_pid() and datname = current_database()`

describe.skipIf(programs === undefined)('a Postgres that fails', { timeout: 60_000 }, () => {
  let cluster: Cluster
  let databases = 0
  beforeAll(async () => {
    cluster = await startCluster(programs ?? '')
  }, 60_000)
  afterAll(() => cluster?.remove())

  const freshUrl = (): Promise<string> => cluster.createDatabase(`test_${++databases}`)
  const asAdmin = (text: string) => cluster.query(`test_${databases}`, text)
  const open = (logger = silent): Promise<System> =>
    openSystem(async () => ({ kind: 'postgres', url: await freshUrl() }), logger)
  const openThroughProxy = async (): Promise<System & { readonly proxy: CuttableWay }> => {
    const proxy = await startProxy(Number(new URL(cluster.url).port))
    onTestFinished(() => proxy.close())
    const system = await openSystem(async () => {
      const url = new URL(await freshUrl())
      url.port = String(proxy.port)
      return { kind: 'postgres', url: url.href }
    })
    return Object.assign(system, { proxy })
  }
  /** Each event was counted once. */
  const handledOnce = async ({ log }: System): Promise<void> => {
    let count = 0n
    for await (const _ of log.readAll()) count += 1n
    expect(await asAdmin(`select events::text from mcpctl.generations where state = 'live'`)).toEqual([
      { events: String(count) },
    ])
  }

  it.each([
    'drop table mcpctl.generations cascade',
    'drop table mcpctl.migrations',
    'drop table mcpctl.migrations_lock',
    'drop sequence mcpctl.generation_numbers',
    'delete from mcpctl.migrations',
    'delete from mcpctl.generations',
    'drop schema mcpctl cascade',
    'drop view live.checkpoint',
  ])('has its bookkeeping made anew at the next connection: %s', async (damage) => {
    const { put, readSide } = await open()
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await asAdmin(`${damage}; ${KILL}`)
    await vi.waitFor(async () => expect(await everything(readSide)).toEqual(before), WAIT)
    await put('project-a', projectDeclared('two'))
    await vi.waitFor(async () => expect((await readSide.status())[0]?.state).toBe('live'), WAIT)
    expect((await readSide.queries.get('project', 'a')).row?.spec.description).toBe('two')
  })

  it('is noticed without a write when its bookkeeping is dropped', async () => {
    const { put, readSide } = await open()
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    await asAdmin('drop table mcpctl.generations cascade')
    await vi.waitFor(async () => expect(await everything(readSide)).toEqual(before), WAIT)
  })

  it('takes a commit whole or not at all when the connection is cut in the middle of it', async () => {
    const system = await openThroughProxy()
    const { put, log, proxy, readSide } = system
    await put('project-a', projectDeclared('one'))
    for (let n = 0; n < 5; n += 1) {
      const cut = proxy.cutAt('with guard as')
      await log.append(`project-b${n}`, [projectDeclared('two')], 'none')
      await cut
      const { position } = await log.append(`project-c${n}`, [projectDeclared('three')], 'none')
      expect(await readSide.waitFor(position, { timeoutMs: 20_000 })).toBe(true)
    }
    await handledOnce(system)
    await vi.waitFor(
      async () => expect((await readSide.queries.list({ kind: 'project' })).items).toHaveLength(11),
      WAIT,
    )
  })

  it('stays as it was when the connection is cut at the switch of a rebuild, and nothing is left of that', async () => {
    const { put, proxy, readSide } = await openThroughProxy()
    await put('project-a', projectDeclared('one'))
    const before = await everything(readSide)
    const cut = proxy.cutAt('create view live."history"')
    await readSide.rebuild()
    await cut
    await vi.waitFor(async () => expect((await readSide.status())[0]?.state).toBe('live'), WAIT)
    expect(await everything(readSide)).toEqual(before)
    await put('project-a', projectDeclared('two'))
    expect(await asAdmin(`select nspname from pg_namespace where nspname like 'rm\\_%'`)).toHaveLength(1)
  })

  it('that does not answer is waited for no longer than a deadline, and heals', async () => {
    const { put, log, proxy, readSide } = await openThroughProxy()
    await put('project-a', projectDeclared('one'))
    proxy.stall()
    await expect(readSide.queries.get('project', 'a')).rejects.toMatchObject({ code: 'read-model-unavailable' })
    expect((await readSide.status())[0]?.state).toBe('unavailable')
    const { position } = await log.append('project-b', [projectDeclared('two')], 'none')
    proxy.open()
    expect(await readSide.waitFor(position, { timeoutMs: 20_000 })).toBe(true)
    expect((await readSide.queries.get('project', 'b')).row?.spec.description).toBe('two')
  })

  it('answers readers while it refuses writes, and takes them when it can', async () => {
    const { logger, seen } = warnings()
    const { put, log, readSide } = await open(logger)
    const first = await put('project-a', projectDeclared('one'))
    await asAdmin(`alter database test_${databases} set default_transaction_read_only = on; ${KILL}`)
    const { position } = await log.append('project-a', [projectDeclared('two')], 0n)
    await vi.waitFor(() => expect(seen).toContainEqual(expect.objectContaining({ reason: '25006' })), WAIT)
    const { row, asOf } = await readSide.queries.get('project', 'a')
    expect({ description: row?.spec.description, asOf }).toEqual({ description: 'one', asOf: first })
    await asAdmin(
      `set transaction read write; alter database test_${databases} reset default_transaction_read_only; ${KILL}`,
    )
    expect(await readSide.waitFor(position, { timeoutMs: 20_000 })).toBe(true)
  })

  it('has no connection to spare: readers are told so, and it heals', async () => {
    const { logger, seen } = warnings()
    const role = `few_${databases + 1}`
    const { put, log, readSide } = await openSystem(async () => {
      const url = new URL(await freshUrl())
      await asAdmin(`create role ${role} login; grant all on database test_${databases} to ${role}`)
      url.username = role
      return { kind: 'postgres', url: url.href }
    }, logger)
    await put('project-a', projectDeclared('one'))
    await asAdmin(`alter role ${role} connection limit 0; ${KILL}`)
    await vi.waitFor(() => expect(seen).toContainEqual(expect.objectContaining({ reason: '53300' })), WAIT)
    await expect(readSide.queries.get('project', 'a')).rejects.toMatchObject({
      code: 'read-model-unavailable',
      message: expect.stringContaining('53300'),
    })
    const { position } = await log.append('project-a', [projectDeclared('two')], 0n)
    await asAdmin(`alter role ${role} connection limit -1`)
    expect(await readSide.waitFor(position, { timeoutMs: 20_000 })).toBe(true)
  })

  it('passes over notifications that no mcpd sends', async () => {
    const { logger, seen } = warnings()
    const { put, readSide } = await open(logger)
    const position = await put('project-a', projectDeclared('one'))
    for (const payload of ['', '{', '{"position":"x"}', 'null'])
      await asAdmin(`select pg_notify('mcpctl_commits', '${payload}')`)
    await vi.waitFor(() => expect(seen).toHaveLength(4), WAIT)
    await put('project-a', projectDeclared('two'))
    expect(await readSide.waitFor(position + 1_000n, { timeoutMs: 1 })).toBe(false)
  })

  it('shared by two programs counts each event once while the connections are killed again and again', async () => {
    const system = await open()
    const { log, readSide, second } = system
    const other = await second()
    for (let n = 0; n < 8; n += 1) {
      const writing = Promise.all(
        Array.from({ length: 20 }, (_, i) => log.append(`project-p${n}-${i}`, [projectDeclared('x')], 'none')),
      )
      await asAdmin(KILL)
      const last = (await writing).map(({ position }) => position).sort((a, b) => (a < b ? 1 : -1))[0] ?? -1n
      for (const each of [readSide, other]) {
        expect(await each.waitFor(last, { timeoutMs: 20_000 })).toBe(true)
      }
    }
    await handledOnce(system)
    expect(await everything(other)).toEqual(await everything(readSide))
  })

  it('keeps a read model stopped for both programs that share it, and lets both read', async () => {
    const { log, put, readSide, second } = await open()
    const other = await second()
    const position = await put('project-a', projectDeclared('one'))
    await log.append('project-a', [event('ProjectExploded', {})], 0n)
    for (const each of [readSide, other]) {
      await vi.waitFor(async () => expect((await each.status())[0]?.state).toBe('stopped'), WAIT)
      expect((await each.queries.get('project', 'a')).asOf).toBe(position)
    }
  })
})
