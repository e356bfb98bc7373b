import { describe, expect, it } from 'vitest'
import type { KindHooks } from './resources.ts'
import { commandsOnLog, context, server } from './testing/commands-on-log.ts'

const { setUp, types, log } = commandsOnLog()

describe('declaring', () => {
  it('creates, finds nothing to do, and changes', async () => {
    const { declare } = setUp()
    expect((await declare('server', 'a', server)).outcome).toBe('created')
    expect((await declare('server', 'a', server)).outcome).toBe('unchanged')
    expect((await declare('server', 'a', { ...server, replicas: 2 })).outcome).toBe('configured')
    expect(await types('server-a')).toEqual(['ServerDeclared', 'ServerDeclared'])
  })

  it('refuses a resource that is not there to refer to, and leaves nothing behind', async () => {
    const { declare } = setUp()
    await expect(declare('project', 'p', { servers: [{ name: 'none' }] })).rejects.toMatchObject({
      code: 'reference-not-found',
    })
    expect(await types('project-p')).toEqual([])
  })

  it('refuses it before the others that it refers to have heard of it', async () => {
    const { declare } = setUp()
    await declare('server', 'a', server)
    const head = await log().head()
    await expect(declare('project', 'p', { servers: [{ name: 'a' }, { name: 'none' }] })).rejects.toMatchObject({
      code: 'reference-not-found',
    })
    expect(await log().head()).toBe(head)
  })

  it('in a dry run answers the exact events on all streams and appends none', async () => {
    const { declare } = setUp()
    await declare('server', 'a', server)
    const head = await log().head()
    const plan = await declare('project', 'p', { servers: [{ name: 'a' }] }, {}, context({ dryRun: true }))
    expect(plan.events.map(({ stream, type }) => `${stream} ${type}`)).toEqual([
      'server-a ReferenceTaken',
      'project-p ProjectDeclared',
    ])
    expect(await log().head()).toBe(head)
  })

  it('has one effect when the same command comes again, also from a new process', async () => {
    const repeated = context({ requestHash: 'h' })
    const first = await setUp().declare('server', 'a', server, { mode: 'create' }, repeated)
    const again = await setUp().declare('server', 'a', server, { mode: 'create' }, repeated)
    expect(again).toMatchObject({ outcome: 'created', position: first.position })
    expect(await types('server-a')).toEqual(['ServerDeclared'])
  })

  it('refuses a key that was used for another request', async () => {
    const { declare } = setUp()
    const key = context({ requestHash: 'h1' })
    await declare('server', 'a', server, {}, key)
    await expect(
      declare('server', 'a', { ...server, replicas: 3 }, {}, { ...key, requestHash: 'h2' }),
    ).rejects.toMatchObject({ code: 'idempotency-key-reused' })
  })

  it('lets writers who race for one resource all win, each in turn', async () => {
    const { declare } = setUp()
    await Promise.all(Array.from({ length: 8 }, (_, i) => declare('server', 'a', { ...server, args: [`${i}`] })))
    expect(await types('server-a')).toHaveLength(8)
  })

  it('lets many refer to the same thing at once, from several processes', async () => {
    const processes = [setUp(), setUp()]
    await processes[0]?.declare('server', 'a', server)
    const projects = Array.from({ length: 60 }, (_, i) =>
      processes[i % 2]?.declare('project', `p-${i}`, { servers: [{ name: 'a' }] }),
    )
    await Promise.all(projects)
    expect((await types('server-a')).filter((type) => type === 'ReferenceTaken')).toHaveLength(60)
  })

  it('decides on what another process has written since', async () => {
    const [here, there] = [setUp(), setUp()]
    await here.declare('server', 'a', server)
    await there.declare('server', 'a', { ...server, replicas: 2 })
    expect((await here.declare('server', 'a', { ...server, replicas: 2 })).outcome).toBe('unchanged')
    await there.remove('server', 'a')
    expect((await here.declare('server', 'a', server)).outcome).toBe('created')
  })
})

describe('a kind that prepares its specs', () => {
  /** Notes every preparation; what it makes differs each time, as sealing does. */
  const preparing = (meanwhile: () => Promise<unknown> = async () => undefined) => {
    const prepared: { readonly uid: string; readonly dryRun: boolean; readonly present: unknown }[] = []
    const prepare: KindHooks['prepare'] = async ({ uid, spec, state, dryRun }) => {
      prepared.push({ uid, dryRun, present: state.spec?.description })
      if (prepared.length === 1) await meanwhile()
      return { ...spec, description: `prepared ${prepared.length}` }
    }
    return { prepared, hooks: { server: { prepare }, project: { prepare } } }
  }

  it('does so once for a declaration', async () => {
    const { prepared, hooks } = preparing()
    const { declare } = setUp(log(), hooks)
    await declare('server', 'a', server)
    await declare('server', 'a', { ...server, replicas: 2 })
    expect(prepared.map(({ present }) => present)).toEqual([undefined, 'prepared 1'])
    expect(prepared[0]?.uid).toBe(prepared[1]?.uid)
  })

  it('does so again for the spec that another process has declared meanwhile', async () => {
    const { prepared, hooks } = preparing(() => setUp().declare('server', 'a', { ...server, description: 'theirs' }))
    const { outcome, events } = await setUp(log(), hooks).declare('server', 'a', server)
    expect(outcome).toBe('configured')
    expect(prepared.map(({ present }) => present)).toEqual([undefined, 'theirs'])
    expect(events[0]?.data.spec).toMatchObject({ description: 'prepared 2' })
  })

  it('is told of a dry run, which changes nothing', async () => {
    const { prepared, hooks } = preparing()
    const { declare } = setUp(log(), hooks)
    await declare('server', 'a', server, {}, context({ dryRun: true }))
    expect(prepared.map(({ dryRun }) => dryRun)).toEqual([true])
    expect(await log().head()).toBeUndefined()
  })

  it('prepares nothing that is refused, for itself or for what it refers to', async () => {
    const { prepared, hooks } = preparing()
    const { declare } = setUp(log(), hooks)
    await setUp().declare('server', 'a', server)
    await expect(declare('server', 'a', server, { mode: 'create' })).rejects.toMatchObject({ code: 'already-exists' })
    await expect(declare('server', 'a', server, { ifMatch: 7n })).rejects.toMatchObject({ code: 'stale-revision' })
    await expect(declare('project', 'p', { servers: [{ name: 'none' }] })).rejects.toMatchObject({
      code: 'reference-not-found',
    })
    expect(prepared).toEqual([])
  })

  it('takes no reference for what it refuses', async () => {
    const complete = async (): Promise<never> => {
      throw new Error('not like this')
    }
    await setUp().declare('server', 'a', server)
    const { declare } = setUp(log(), { project: { complete, prepare: async ({ spec }) => spec } })
    await expect(declare('project', 'p', { servers: [{ name: 'a' }] })).rejects.toThrow('not like this')
    expect(await types('server-a')).toEqual(['ServerDeclared'])
  })
})
