import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

const status = (state: string, more: object = {}) => ({
  version: '1.0.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeSeconds: 7300,
  log: { kind: 'embedded', ok: true, head: '42', pingMs: 0.12 },
  database: { kind: 'pglite' },
  readModels: [{ name: 'main', state, generation: '1', position: '42', lagEvents: 0, lagSeconds: 0, ...more }],
  instances: { running: 2, error: 1 },
  reactors: [{ name: 'reconcile', state: 'running', position: '42' }],
})

describe('status', () => {
  it('shows log, read models, instances and reactors', async () => {
    world.mcpd.status = status('live')
    const { code, out } = await world.run(['status'])
    expect(code).toBe(0)
    expect(out).toBe(`mcpd:       1.0.0 at ${world.mcpd.url}, up 2h
log:        embedded, head at 42, answers in 0.1 ms
database:   pglite
instances:  2 running, 1 error

READ MODEL   STATE   GENERATION   POSITION   LAG               NOTE
main         live    1            42         0 events, 0.0 s   -

REACTOR     STATE     POSITION   NOTE
reconcile   running   42         -
`)
  })

  it('exits with 1 when a read model has stopped, and says why', async () => {
    world.mcpd.status = status('stopped', {
      error: {
        message: 'a type from the future',
        event: { position: '43', stream: 'server-a', revision: '2', type: 'ServerPainted' },
      },
    })
    expect(await world.run(['status'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('a type from the future (ServerPainted at position 43, server-a)'),
    })
  })
})

describe('operations', () => {
  it('waits for a rebuild and shows how far it is', async () => {
    const rebuild = (position: string) =>
      status('rebuilding', { rebuild: { generation: '2', position, target: '100', eventsPerSecond: 9 } })
    const answers = [
      status('live'),
      status('live'),
      rebuild('10'),
      rebuild('60'),
      rebuild('60'),
      status('live', { generation: '2' }),
    ]
    world.mcpd.intercept = ({ path }) => (path === '/api/v1/status' ? { body: answers.shift() } : undefined)
    expect(await world.run(['admin', 'rebuild'])).toEqual({
      code: 0,
      out: 'generation 2 is live\n',
      err: 'rebuilding: beginning\nrebuilding: 10 %, 9 events/s\nrebuilding: 60 %, 9 events/s\n',
    })
  })

  it('says why a rebuild was given up, and does not take the error of an earlier one for it', async () => {
    const failed = status('live', { rebuildError: { message: 'poison' } })
    const building = status('rebuilding', { rebuild: { generation: '2', position: '1', target: '2' } })
    const answers = [failed, failed, building, failed]
    world.mcpd.intercept = ({ path }) => (path === '/api/v1/status' ? { body: answers.shift() } : undefined)
    expect(await world.run(['admin', 'rebuild'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('the rebuild failed: poison'),
    })
    expect(answers).toEqual([])
  })

  it('rotates the master key', async () => {
    expect((await world.run(['rotate', 'master-key'])).out).toBe(
      '3 data keys are wrapped with master key k2, no longer with k1\n',
    )
  })

  it('shows both versions, and the client alone where mcpd does not answer', async () => {
    expect((await world.run(['version'])).out).toMatch(/^mcpctl \d+\.\d+\.\d+ .*\nmcpd {3}9\.9\.9 /)
    const away = await world.run(['version'], { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } })
    expect([away.code, away.out.split('\n').length]).toEqual([3, 2])
    expect((await world.run(['version', '--client'], { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } })).code).toBe(0)
  })
})
