import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import { openEventStoreLog } from '../adapters/eventstore/eventstore-log.ts'
import { startWireServer } from '../adapters/eventstore/testing/wire-server.ts'
import { event, projectDeclared } from '../adapters/postgres/testing/sample-events.ts'
import type { NewEvent } from '../domain/kernel/event.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import { ASYNC, isReady, type OneMcpd, oneMcpd, project, SOON } from './testing/one-mcpd.ts'

// Events that this mcpd cannot handle, put straight into its log: whole programs, real files.

const EVERYTHING = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/dist/index.js')
/** Does something to the log of a mcpd that is stopped, and starts it again. */
const atRest = async (one: OneMcpd, work: (log: EventLog) => Promise<unknown>): Promise<void> => {
  await one.stop()
  const log = await openEmbeddedLog({ folder: join(one.dataFolder, 'log') })
  await work(log)
  await log.close()
  await one.start()
}

const readModel = async ({ ask }: OneMcpd) => {
  const { status, json } = await ask('GET', '/readyz')
  return { status, ...json.checks.readModels[0] }
}
const stopped = async (system: OneMcpd) => {
  await expect.poll(async () => (await readModel(system)).state, SOON).toBe('stopped')
  return readModel(system)
}

const poisons: readonly (readonly [what: string, code: string, refused: boolean, poison: () => NewEvent])[] = [
  ['an event type from the future', 'unknown-event', true, () => event('ProjectExploded', { secret: 'hunter2' })],
  ['a version from the future', 'unknown-event', true, () => ({ ...projectDeclared('hunter2'), ...version(2) })],
  ['an event of another kind', 'unknown-event', true, () => event('ServerDeleted', { uid: 'hunter2' })],
  ['a payload that breaks a fold', 'unhandled-event', true, () => event('ProjectDeclared', { uid: 'hunter2' })],
  [
    'a value that the database refuses',
    'unhandled-event',
    false,
    () => event('ProjectDeclared', { uid: 'hunter2\0', spec: { servers: [] }, labels: {} }),
  ],
]
const version = (schemaVersion: number) => ({
  metadata: { ...projectDeclared('').metadata, schemaVersion },
})

describe.each(poisons)('%s in the log of a mcpd', (_what, code, refused, poison) => {
  it('stops the read model there, which says so everywhere, and goes on after the repair', async () => {
    const system = await oneMcpd()
    const { ask } = system
    await ask('PUT', '/api/v1/projects/before', { body: project('before'), headers: ASYNC })
    let position = -1n
    await atRest(system, async (log) => {
      position = (await log.append('project-poisoned', [projectDeclared('fine'), poison()], 'none')).position
    })

    const { status, error, position: at } = await stopped(system)
    expect(status).toBe(503)
    const where = { position: String(position), stream: 'project-poisoned', revision: '1', type: poison().type }
    expect(error).toMatchObject({ code, event: where, hint: expect.stringContaining('mcpctl admin rebuild') })
    expect(system.mcpd().log()).toContain('the read model stopped at an event')
    expect([JSON.stringify(error), system.mcpd().log()].join()).not.toContain('hunter2')

    // Other streams are written; what is read is as of the event before.
    const other = await ask('PUT', '/api/v1/projects/other', { body: project('other'), headers: ASYNC })
    expect(other).toMatchObject({ status: 202, json: { outcome: 'created', position: expect.any(String) } })
    const list = await ask('GET', '/api/v1/projects')
    expect(list).toMatchObject({ status: 200, json: { asOf: at } })
    expect(list.json.items.map((each: { metadata: { name: string } }) => each.metadata.name)).toEqual([
      'before',
      'mcpctl-system',
      'poisoned',
    ])
    const onPoisoned = await ask('PUT', '/api/v1/projects/poisoned', {
      body: project('poisoned', 'changed'),
      headers: ASYNC,
    })
    expect(onPoisoned).toMatchObject(
      refused ? { status: 503, json: { code: 'unknown-event', hint: expect.any(String) } } : { status: 202 },
    )

    await atRest(system, (log) => log.tombstone('project-poisoned'))
    expect((await ask('POST', '/api/v1/admin/rebuild')).status).toBe(202)
    await isReady(system)
    const names = (await ask('GET', '/api/v1/projects')).json.items.map(
      (each: { metadata: { name: string } }) => each.metadata.name,
    )
    expect(names).toEqual(['before', 'mcpctl-system', 'other'])
    expect((await ask('PUT', '/api/v1/projects/after', { body: project('after') })).status).toBe(201)
  }, 120_000)
})

describe('mcpctl, when the read model has stopped,', () => {
  it('says at which event and what to do, and that a rebuild before the repair did not help', async () => {
    const system = await oneMcpd()
    await atRest(system, async (log) => {
      await log.append('project-poisoned', [event('ProjectExploded', { secret: 'hunter2' })], 'none')
    })
    const { position } = (await stopped(system)).error.event
    const shown = await system.mcpctl('status')
    expect(shown).toMatchObject({ stderr: '', code: 1 })
    for (const part of ['stopped', position, 'project-poisoned', 'ProjectExploded', 'mcpctl admin rebuild'])
      expect(shown.stdout).toContain(part)
    const early = await system.mcpctl('admin', 'rebuild')
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('project-poisoned') })
    await atRest(system, (log) => log.tombstone('project-poisoned'))
    expect(await system.mcpctl('admin', 'rebuild')).toMatchObject({ code: 0 })
    expect((await system.mcpctl('status')).code).toBe(0)
  }, 120_000)
})

describe('an event that a running mcpd does not know', () => {
  it('leaves servers running, and writes wait for their row no longer than they should', async () => {
    const server = await startWireServer()
    const log = await openEventStoreLog({ connectionString: server.connectionString })
    onTestFinished(async () => {
      await log.close()
      await server.stop()
    })
    const system = await oneMcpd({ EVENTSTORE_URL: server.connectionString })
    const { ask } = system
    const pidOf = async () => (await ask('GET', '/api/v1/instances')).json.items[0]?.status.details?.pid
    const spec = { command: process.execPath, args: [EVERYTHING] }
    await ask('PUT', '/api/v1/servers/everything', { body: { kind: 'server', metadata: { name: 'everything' }, spec } })
    await expect.poll(pidOf, SOON).toEqual(expect.any(Number))
    const pid = await pidOf()
    await log.append('project-poisoned', [event('ProjectExploded', {})], 'none')
    await stopped(system)

    const began = performance.now()
    expect((await ask('PUT', '/api/v1/projects/other', { body: project('other') })).status).toBe(202)
    expect(performance.now() - began).toBeLessThan(15_000)
    expect(() => process.kill(pid, 0)).not.toThrow()
    expect((await ask('GET', '/readyz')).json.checks.reactors[0].name).toBe('reconciler')
    expect(await pidOf()).toBe(pid)
  }, 60_000)
})
