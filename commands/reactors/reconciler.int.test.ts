import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { openReadSide } from '../../adapters/postgres/read-side.ts'
import { instanceView } from '../../cli/bin/instance-view.ts'
import { catalog } from '../../domain/catalog.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import { logUnavailable } from '../../domain/kernel/log-errors.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import type { ReadSide } from '../../queries/read-side.ts'
import { createCommandLoop } from '../handle.ts'
import { createResourceCommands } from '../resources.ts'
import { reactorContext } from './reactor.ts'
import { type Reconciler, startReconciler } from './reconciler.ts'
import { type PretendedHost, pretendedHost } from './testing/pretended-host.ts'

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const registry = createRegistry(kinds)

let folder: string
let log: EventLog
let readSide: ReadSide
let reconciler: Reconciler
let now: number
let secretIsThere = true
/** How often the reconciler has looked at a server's instances. */
let looks = 0
let computer: PretendedHost

/** Whose starts cannot be noted, as if the log were away; and how often that was tried. */
let unnoted: string | undefined
let refusals = 0

const clock = { now: () => new Date(now) }
const commands = () => {
  const loop = createCommandLoop({ log, catalog, clock })
  return { loop, resources: createResourceCommands({ loop, registry, clock, newId: randomUUID, hooks: {} }) }
}
const start = async (): Promise<void> => {
  const { loop } = commands()
  const view = instanceView(readSide, new AbortController().signal)
  reconciler = await startReconciler({
    log,
    loop: {
      ...loop,
      async handle(decider, stream, command, context) {
        const begins =
          typeof command === 'object' && command !== null && 'type' in command && command.type === 'BeginStart'
        if (begins && unnoted !== undefined && stream.startsWith(`instance-${unnoted}-`)) {
          refusals += 1
          throw logUnavailable('the disk is gone')
        }
        return await loop.handle(decider, stream, command, context)
      },
    },
    view: {
      ...view,
      async instances(...which) {
        const rows = await view.instances(...which)
        looks += 1
        return rows
      },
    },
    host: computer.host,
    clock,
    newId: randomUUID,
    logger: silent,
    discard: async () => {},
    loadSecret: async () => (secretIsThere ? { KEY: 'value', username: 'ada', password: 'value' } : {}),
  })
}
const declare = async (kind: string, name: string, spec: object): Promise<void> => {
  const definition = registry.find(kind)
  if (definition === undefined) throw new Error(kind)
  const parsed = definition.spec.parse(spec) as never
  const request = { kind: definition, name, labels: {}, spec: parsed, mode: 'apply' } as const
  await commands().resources.declare(request, reactorContext('test', randomUUID()))
}
const server = (spec: object = {}): Promise<void> => declare('server', 'a', { command: 'node', ...spec })
const instances = async () =>
  (await readSide.queries.list({ kind: 'instance' })).items.map(({ name, status }) => ({ name, ...status }))
const eventually = (check: () => void | Promise<void>): Promise<void> =>
  vi.waitFor(check, { timeout: 15_000, interval: 20 })
const oneRuns = (): Promise<void> =>
  eventually(async () => {
    expect(await instances()).toMatchObject([{ phase: 'running' }])
    expect(computer.running.size).toBe(1)
  })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-reconciler-'))
  now = Date.parse('2026-01-01T00:00:00Z')
  secretIsThere = true
  unnoted = undefined
  refusals = 0
  computer = pretendedHost()
  log = await openEmbeddedLog({ folder })
  readSide = await openReadSide({
    log,
    logLocation: { kind: 'embedded', folder },
    database: { kind: 'pglite-here' },
    registry,
    catalog,
    logger: silent,
  })
  await start()
})
afterEach(async () => {
  await reconciler.close()
  await readSide.close()
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the reconciler', () => {
  it('starts what is declared, and stops what is deleted', async () => {
    await server({ replicas: 3 })
    await eventually(() => expect(computer.running.size).toBe(3))
    await server({ replicas: 1 })
    await oneRuns()
    const kind = registry.find('server')
    if (kind === undefined) throw new Error('no servers')
    await commands().resources.delete({ kind, name: 'a' }, reactorContext('test', randomUUID()))
    await eventually(async () => {
      expect(computer.running.size).toBe(0)
      expect(await instances()).toEqual([])
    })
  })

  it('starts the copy of a new spec before it stops the old one', async () => {
    await server()
    await oneRuns()
    const [old] = [...computer.running.keys()]
    const most: number[] = []
    const stop = computer.host.stop
    computer.host.stop = async (instance) => {
      if (instance === old) most.push(computer.running.size)
      await stop(instance)
    }
    await server({ args: ['changed'] })
    await eventually(() => expect([...computer.running.keys()]).not.toContain(old))
    await oneRuns()
    expect(most[0]).toBe(2)
  })

  it('does not roll over for a change that no copy depends on', async () => {
    await server()
    await oneRuns()
    const [before] = await instances()
    await server({ description: 'the same program' })
    await server({ description: 'the same program', replicas: 2 })
    await eventually(() => expect(computer.running.size).toBe(2))
    expect((await instances()).map(({ name }) => name)).toContain(before?.name)
  })

  it('keeps the schedule of a failed start over its own restart', async () => {
    computer.refuse('no such program', { code: 3, reason: 'it exited' })
    await server()
    await eventually(async () =>
      expect(await instances()).toMatchObject([
        {
          ...{ phase: 'error', error: 'no such program', crashed: true },
          ...{ attemptCount: 1, nextRetryAt: '2026-01-01T00:00:30.000Z' },
        },
      ]),
    )
    await reconciler.close()
    computer.refuse(undefined)
    await start()
    await eventually(() => expect(reconciler.status().state).toBe('running'))
    expect(await instances()).toMatchObject([{ phase: 'error' }])
    await reconciler.close()
    now += 31_000
    await start()
    await oneRuns()
  })

  const sealed = { nonce: '', ciphertext: '', tag: '' }
  const stored = async (data: object): Promise<void> => {
    const secret = registry.find('secret')
    if (secret === undefined) throw new Error('no secrets')
    await commands().resources.declare(
      { kind: secret, name: 'keys', labels: {}, spec: { backend: 'default', data } as never, mode: 'apply' },
      reactorContext('test', randomUUID()),
    )
  }
  const fromSecret = { valueFrom: { secretRef: { name: 'keys', key: 'KEY' } } }

  it('tries at once when the secret that was missing for an environment, a header or an image has come', async () => {
    secretIsThere = false
    await declare('secretbackend', 'default', { type: 'encrypted' })
    await stored({ OTHER: sealed })
    const headers = [{ name: 'Authorization', ...fromSecret }]
    await server({ env: [{ name: 'KEY', ...fromSecret }] })
    const transport = 'STREAMABLE_HTTP'
    await declare('server', 'b', { externalUrl: 'https://example.com/mcp', transport, headers })
    await declare('server', 'c', { dockerImage: 'example.com/c:1', imagePullSecret: 'keys' })
    const failed = { phase: 'error', attemptCount: 1, error: expect.stringContaining('has no key') }
    await eventually(async () => expect(await instances()).toMatchObject([failed, failed, failed]))
    secretIsThere = true
    await stored({ OTHER: sealed, KEY: sealed })
    await eventually(() => expect(computer.running.size).toBe(3))
  })

  it('tries at once when the secret came while an attempt without it was under way', async () => {
    await declare('secretbackend', 'default', { type: 'encrypted' })
    await stored({ KEY: sealed })
    let attempts = 0
    computer.onStart(async () => {
      attempts += 1
      if (attempts > 1) return computer.refuse(undefined)
      computer.refuse('the key is not accepted')
      const before = looks
      await stored({ KEY: { ...sealed, nonce: 'another' } })
      await eventually(() => expect(looks).toBeGreaterThan(before))
    })
    await server({ env: [{ name: 'KEY', ...fromSecret }] })
    await oneRuns()
    expect(await instances()).toMatchObject([{ attemptCount: 1 }])
  })

  it('ends a copy whose probes fail, and starts it again in place when that is due', async () => {
    await server()
    await oneRuns()
    const [{ name, startedAt } = { name: '', startedAt: '' }] = (await instances()) as {
      name: string
      startedAt: string
    }[]
    await reconciler.restart(name, '2025-12-31T00:00:00.000Z', 'of another run')
    expect(computer.running.size).toBe(1)
    await reconciler.restart(name, startedAt, 'no answer')
    expect(computer.running.size).toBe(0)
    await eventually(async () =>
      expect(await instances()).toMatchObject([
        { name, phase: 'error', error: 'no answer', restarts: 1, attemptCount: 1 },
      ]),
    )
    await reconciler.close()
    now += 31_000
    await start()
    await oneRuns()
    expect((await instances())[0]?.name).toBe(name)
  })

  it('starts a copy that died again, in place: after 30 s when it had just started', async () => {
    await server()
    await oneRuns()
    const [{ name } = { name: '' }] = await instances()
    now += 1_000
    computer.die(name)
    await eventually(async () =>
      expect(await instances()).toMatchObject([
        { name, phase: 'error', restarts: 1, nextRetryAt: '2026-01-01T00:00:31.000Z' },
      ]),
    )
  })

  it('starts a copy that had run for long again at once', async () => {
    await server()
    await oneRuns()
    const [{ name } = { name: '' }] = await instances()
    now += 120_000
    computer.die(name)
    await oneRuns()
    expect(await instances()).toMatchObject([{ name, restarts: 1, attemptCount: 0 }])
  })

  it('waits before it tries again what the log did not take', async () => {
    unnoted = 'a'
    await server()
    await eventually(() => expect(reconciler.status()).toMatchObject({ state: 'retrying' }))
    await declare('server', 'b', { command: 'node' })
    await eventually(() => expect(computer.running.size).toBe(1))
    expect(refusals).toBeLessThan(5)
    unnoted = undefined
    await eventually(() => expect(computer.running.size).toBe(2))
  })

  it('starts what ran when mcpd was killed, once', async () => {
    await server()
    await oneRuns()
    await reconciler.close()
    computer.running.clear()
    await start()
    await oneRuns()
    const types: string[] = []
    const [{ name } = { name: '' }] = await instances()
    for await (const { type } of log.readStream(`instance-${name}`)) types.push(type)
    expect(types.slice(-3)).toEqual(['InstanceInterrupted', 'InstanceStarting', 'InstanceStarted'])
  })
})
