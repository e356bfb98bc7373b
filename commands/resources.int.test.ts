import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import { catalog } from '../domain/catalog.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { createRegistry } from '../domain/kernel/registry.ts'
import { kinds } from '../domain/registry.ts'
import type { CommandContext } from './context.ts'
import { createDefaultBackend } from './default-backend.ts'
import { createCommandLoop } from './handle.ts'
import { createResourceCommands, type KindHooks, type Mutation } from './resources.ts'

let folder: string
let log: EventLog
let now: Date
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-commands-'))
  log = await openEmbeddedLog({ folder })
  now = new Date('2026-01-01T00:00:00.000Z')
})
afterEach(async () => {
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

const registry = createRegistry(kinds)
const kindOf = (name: string) => {
  const kind = registry.find(name)
  if (kind === undefined) throw new Error(`no kind ${name}`)
  return kind
}

const context = (more: Partial<CommandContext> = {}): CommandContext => {
  const id = randomUUID()
  const isNew = more.requestHash === undefined
  return { actor: { kind: 'User', name: 'ada' }, commandId: id, correlationId: id, causationId: id, isNew, ...more }
}

const setUp = (onLog: EventLog = log, hooks: Readonly<Record<string, KindHooks>> = {}) => {
  const clock = { now: () => now }
  const loop = createCommandLoop({ log: onLog, catalog, clock })
  const resources = createResourceCommands({ loop, registry, clock, newId: randomUUID, hooks })
  const declare = (
    kind: string,
    name: string,
    spec: object,
    more: { mode?: 'create' | 'apply'; ifMatch?: bigint } = {},
    as = context(),
  ): Promise<Mutation> => {
    const definition = kindOf(kind)
    const parsed = definition.spec.parse(spec) as never
    return resources.declare({ kind: definition, name, labels: {}, spec: parsed, mode: 'apply', ...more }, as)
  }
  const remove = (kind: string, name: string, as = context()) => resources.delete({ kind: kindOf(kind), name }, as)
  return { declare, remove, backends: createDefaultBackend(loop, registry, clock) }
}

/** The log, noting what is asked of it. */
const watched = () => {
  const asked: string[] = []
  const spied = new Proxy(log, {
    get: (target, member) => {
      const own = Reflect.get(target, member)
      return typeof own !== 'function'
        ? own
        : (...args: unknown[]) => {
            asked.push(`${String(member)} ${args[0]}`)
            return own.apply(target, args)
          }
    },
  })
  return { spied, asked }
}

const server = { command: 'node', args: ['server.js'] }
const withSecret = (name: string) => ({
  ...server,
  env: [{ name: 'KEY', valueFrom: { secretRef: { name, key: 'KEY' } } }],
})

/** The same log, but that an event of one type does not get onto one stream: mcpd is gone by then. */
const failingOn = (whole: EventLog, stream: string, type: string): EventLog =>
  Object.assign(Object.create(whole), {
    readStream: whole.readStream.bind(whole),
    append: async (...[to, events, ...rest]: Parameters<EventLog['append']>) => {
      if (to === stream && events.some((event) => event.type === type)) throw new Error('cut off')
      return whole.append(to, events, ...rest)
    },
  })

const types = async (stream: string): Promise<string[]> => {
  const all: string[] = []
  for await (const { type } of log.readStream(stream)) all.push(type)
  return all
}

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
    const head = await log.head()
    await expect(declare('project', 'p', { servers: [{ name: 'a' }, { name: 'none' }] })).rejects.toMatchObject({
      code: 'reference-not-found',
    })
    expect(await log.head()).toBe(head)
  })

  it('in a dry run answers the exact events on all streams and appends none', async () => {
    const { declare } = setUp()
    await declare('server', 'a', server)
    const head = await log.head()
    const plan = await declare('project', 'p', { servers: [{ name: 'a' }] }, {}, context({ dryRun: true }))
    expect(plan.events.map(({ stream, type }) => `${stream} ${type}`)).toEqual([
      'server-a ReferenceTaken',
      'project-p ProjectDeclared',
    ])
    expect(await log.head()).toBe(head)
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

describe('a stream that is known from before', () => {
  it('is appended to without being read', async () => {
    const { spied, asked } = watched()
    const { declare } = setUp(spied)
    await declare('server', 'a', server)
    asked.length = 0
    for (const replicas of [2, 3, 4]) await declare('server', 'a', { ...server, replicas })
    expect(asked).toEqual(['append server-a', 'append server-a', 'append server-a'])
    expect(await types('server-a')).toHaveLength(4)
  })

  it('is read before a command is refused, found needless or only planned', async () => {
    const { spied, asked } = watched()
    const { declare } = setUp(spied)
    await declare('server', 'a', server)
    asked.length = 0
    await expect(declare('server', 'a', server, { mode: 'create' })).rejects.toMatchObject({ code: 'already-exists' })
    expect((await declare('server', 'a', server)).outcome).toBe('unchanged')
    await declare('server', 'a', { ...server, replicas: 2 }, {}, context({ dryRun: true }))
    expect(asked).toEqual(['readStream server-a', 'readStream server-a', 'readStream server-a'])
  })

  it('that another process has appended to is decided on again', async () => {
    const [here, there] = [setUp(), setUp()]
    const first = await here.declare('server', 'a', server)
    await there.declare('server', 'a', { ...server, replicas: 2 })
    const [event] = (await here.declare('server', 'a', { ...server, replicas: 3 })).events
    expect(event?.revision).toBe(2n)
    await expect(
      there.declare('server', 'a', { ...server, replicas: 4 }, { ifMatch: first.events[0]?.revision ?? 0n }),
    ).rejects.toMatchObject({ code: 'stale-revision', details: { actual: '2' } })
  })

  it('that another process has deleted can be created', async () => {
    const [here, there] = [setUp(), setUp()]
    const before = await here.declare('server', 'a', server)
    await there.remove('server', 'a')
    const after = await here.declare('server', 'a', server, { mode: 'create' })
    expect(after.outcome).toBe('created')
    expect(after.events[0]?.data.uid).not.toBe(before.events[0]?.data.uid)
  })

  it('is read when a request has a key, which another process may have used for something else', async () => {
    const [here, there] = [setUp(), setUp()]
    await here.declare('server', 'a', server)
    const key = context({ requestHash: 'h1' })
    const first = await there.declare('server', 'a', { ...server, replicas: 2 }, {}, key)
    await expect(
      here.declare('server', 'a', { ...server, replicas: 3 }, {}, { ...key, requestHash: 'h2' }),
    ).rejects.toMatchObject({ code: 'idempotency-key-reused' })
    expect(await here.declare('server', 'a', { ...server, replicas: 2 }, {}, key)).toMatchObject({
      position: first.position,
    })
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
    const { declare } = setUp(log, hooks)
    await declare('server', 'a', server)
    await declare('server', 'a', { ...server, replicas: 2 })
    expect(prepared.map(({ present }) => present)).toEqual([undefined, 'prepared 1'])
    expect(prepared[0]?.uid).toBe(prepared[1]?.uid)
  })

  it('does so again for the spec that another process has declared meanwhile', async () => {
    const { prepared, hooks } = preparing(() => setUp().declare('server', 'a', { ...server, description: 'theirs' }))
    const { outcome, events } = await setUp(log, hooks).declare('server', 'a', server)
    expect(outcome).toBe('configured')
    expect(prepared.map(({ present }) => present)).toEqual([undefined, 'theirs'])
    expect(events[0]?.data.spec).toMatchObject({ description: 'prepared 2' })
  })

  it('is told of a dry run, which changes nothing', async () => {
    const { prepared, hooks } = preparing()
    const { declare } = setUp(log, hooks)
    await declare('server', 'a', server, {}, context({ dryRun: true }))
    expect(prepared.map(({ dryRun }) => dryRun)).toEqual([true])
    expect(await log.head()).toBeUndefined()
  })

  it('prepares nothing that is refused, for itself or for what it refers to', async () => {
    const { prepared, hooks } = preparing()
    const { declare } = setUp(log, hooks)
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
    const { declare } = setUp(log, { project: { complete, prepare: async ({ spec }) => spec } })
    await expect(declare('project', 'p', { servers: [{ name: 'a' }] })).rejects.toThrow('not like this')
    expect(await types('server-a')).toEqual(['ServerDeclared'])
  })
})

describe('deleting', () => {
  it('is refused for what mcpctl itself needs, which can be changed', async () => {
    const { declare, remove } = setUp()
    await declare('project', 'mcpctl-system', {})
    await expect(remove('project', 'mcpctl-system')).rejects.toMatchObject({ code: 'part-of-system', status: 409 })
    await declare('project', 'mcpctl-system', { description: 'changed' })
  })

  it('is refused while another resource refers to it, which is named', async () => {
    const { declare, remove } = setUp()
    await declare('server', 'a', server)
    await declare('project', 'p', { servers: [{ name: 'a' }] })
    await expect(remove('server', 'a')).rejects.toMatchObject({ code: 'in-use', details: { by: ['project/p'] } })
  })

  it('works when the reference was taken out, or its holder deleted', async () => {
    const { declare, remove } = setUp()
    await declare('server', 'a', server)
    await declare('server', 'b', server)
    await declare('project', 'p', { servers: [{ name: 'a' }, { name: 'b' }] })
    await declare('project', 'p', { servers: [{ name: 'b' }] })
    expect((await remove('server', 'a')).outcome).toBe('deleted')
    await remove('project', 'p')
    expect((await remove('server', 'b')).outcome).toBe('deleted')
  })

  it('that was cut off after it was durable is finished when it is repeated', async () => {
    const cut = setUp(failingOn(log, 'secret-a', 'ReferenceReleased'))
    const { declare, remove } = setUp()
    await declare('secretbackend', 'default', { type: 'encrypted' })
    await declare('secret', 'a', { backend: 'default', data: {} })
    await declare('server', 's', withSecret('a'))
    const deletion = context({ requestHash: 'h' })
    await expect(cut.remove('server', 's', deletion)).rejects.toThrow('cut off')
    await expect(remove('secret', 'a')).rejects.toMatchObject({ code: 'in-use' })
    expect((await remove('server', 's', deletion)).outcome).toBe('deleted')
    expect((await remove('secret', 'a')).outcome).toBe('deleted')
  })

  it('does nothing to what was made since under the same name, when it is repeated', async () => {
    const gone: string[] = []
    const { declare, remove } = setUp(log, { secret: { afterDelete: async (_ref, uid) => void gone.push(uid) } })
    await declare('secretbackend', 'default', { type: 'encrypted' })
    const declareAgain = () => declare('secret', 'a', { backend: 'default', data: {} })
    const first = (await declareAgain()).events.at(-1)?.data.uid
    const deletion = context({ requestHash: 'h' })
    await remove('secret', 'a', deletion)
    await declareAgain()
    expect((await remove('secret', 'a', deletion)).outcome).toBe('deleted')
    expect(gone).toEqual([first])
    await expect(remove('secretbackend', 'default')).rejects.toMatchObject({ code: 'in-use' })
  })

  it('ignores a reference whose holder never came to be, once it is a minute old', async () => {
    const { declare, remove } = setUp()
    await declare('server', 'a', server)
    const failing = new Proxy(log, {
      get: (target, member) =>
        member === 'append'
          ? (stream: string, ...rest: [never, never]) =>
              stream === 'project-p' ? Promise.reject(new Error('killed here')) : target.append(stream, ...rest)
          : Reflect.get(target, member).bind(target),
    })
    await expect(setUp(failing).declare('project', 'p', { servers: [{ name: 'a' }] })).rejects.toThrow('killed here')
    await expect(remove('server', 'a')).rejects.toMatchObject({ code: 'in-use' })
    now = new Date(now.getTime() + 61_000)
    expect((await remove('server', 'a')).outcome).toBe('deleted')
  })

  it('is refused for the default backend, until another one is', async () => {
    const { declare, remove, backends } = setUp()
    await declare('secretbackend', 'default', { type: 'encrypted' })
    await declare('secretbackend', 'other', { type: 'encrypted' })
    await backends.choose('default', context())
    await expect(remove('secretbackend', 'default')).rejects.toMatchObject({ code: 'in-use' })
    await backends.choose('other', context())
    expect((await remove('secretbackend', 'default')).outcome).toBe('deleted')
    expect(await backends.current()).toBe('other')
  })
})
