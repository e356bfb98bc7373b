import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openEmbeddedLog } from '../adapters/embedded-log/embedded-log.ts'
import { openEventStoreLog } from '../adapters/eventstore/eventstore-log.ts'
import { startWireServer } from '../adapters/eventstore/testing/wire-server.ts'
import { event, projectDeclared } from '../adapters/postgres/testing/sample-events.ts'
import type { EventLog } from '../domain/kernel/event-log.ts'
import type { Answer } from './testing/daemon.ts'
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

const namesOf = ({ json }: Answer): readonly string[] =>
  json.items.map((each: { metadata: { name: string } }) => each.metadata.name)
const version = (schemaVersion: number) => ({
  metadata: { ...projectDeclared('').metadata, schemaVersion },
})

const poisons = [
  { what: 'a type from the future', code: 'unknown-event', make: () => event('ProjectExploded', { x: 'hunter2' }) },
  {
    what: 'a version from the future',
    code: 'unknown-event',
    make: () => ({ ...projectDeclared('hunter2'), ...version(2) }),
  },
  { what: 'of another kind', code: 'unknown-event', make: () => event('ServerDeleted', { uid: 'hunter2' }) },
  {
    what: 'a payload that breaks a fold',
    code: 'unhandled-event',
    make: () => event('ProjectDeclared', { uid: 'hunter2' }),
  },
  {
    what: 'a value that the database refuses',
    code: 'unhandled-event',
    make: () => event('ProjectDeclared', { uid: 'hunter2\0', spec: { servers: [] }, labels: {} }),
    isWritable: true,
  },
]

describe('an event that a mcpd finds in its log and cannot handle', () => {
  it('stops the read model there, which says so everywhere, and goes on after the repair', async () => {
    const system = await oneMcpd()
    const { ask } = system
    const expected = ['mcpctl-system']
    let repair = async (_log: EventLog): Promise<void> => undefined
    for (const [n, { what, code, make, isWritable }] of poisons.entries()) {
      const stream = `project-poisoned${n}`
      let position = -1n
      await atRest(system, async (log) => {
        await repair(log)
        position = (await log.append(stream, [projectDeclared('fine'), make()], 'none')).position
      })
      repair = (log) => log.tombstone(stream)

      const { status, error, position: at } = await stopped(system)
      expect(status, what).toBe(503)
      const where = { position: String(position), stream, revision: '1', type: make().type }
      expect(error, what).toMatchObject({ code, event: where, hint: expect.stringContaining('mcpctl admin rebuild') })
      expect(system.mcpd().log(), what).toContain('the read model stopped at an event')
      expect([JSON.stringify(error), system.mcpd().log()].join(), what).not.toContain('hunter2')

      // Other streams are written; what is read is as of the event before.
      const other = { body: project(`other${n}`), headers: ASYNC }
      expect(await ask('PUT', `/api/v1/projects/other${n}`, other), what).toMatchObject({
        status: 202,
        json: { outcome: 'created', position: expect.any(String) },
      })
      const list = await ask('GET', '/api/v1/projects')
      expect(list, what).toMatchObject({ status: 200, json: { asOf: at } })
      expect(namesOf(list), what).toEqual([...expected, `poisoned${n}`].sort())
      const change = { body: project(`poisoned${n}`, 'changed'), headers: ASYNC }
      expect(await ask('PUT', `/api/v1/projects/poisoned${n}`, change), what).toMatchObject(
        isWritable ? { status: 202 } : { status: 503, json: { code: 'unknown-event', hint: expect.any(String) } },
      )
      // What stood before the poison stays: tombstones are no events.
      expected.push(`other${n}`, `poisoned${n}`)
    }

    const shown = await system.mcpctl('status')
    expect(shown).toMatchObject({ stderr: '', code: 1 })
    for (const part of ['stopped', 'project-poisoned4', 'ProjectDeclared', 'mcpctl admin rebuild'])
      expect(shown.stdout).toContain(part)
    const early = await system.mcpctl('admin', 'rebuild')
    expect(early).toMatchObject({ code: 1, stderr: expect.stringContaining('project-poisoned4') })

    await atRest(system, repair)
    expect(await system.mcpctl('admin', 'rebuild')).toMatchObject({ code: 0 })
    await isReady(system)
    const others = poisons.map((_, n) => `other${n}`)
    expect(namesOf(await ask('GET', '/api/v1/projects'))).toEqual(['mcpctl-system', ...others])
    expect((await ask('PUT', '/api/v1/projects/after', { body: project('after') })).status).toBe(201)
  }, 300_000)
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
  }, 120_000)
})
