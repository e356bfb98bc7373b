import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { World } from './testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

const server = (name: string, health: string, readyReplicas = 1): void =>
  world.mcpd.store.put('server', name, {
    spec: { replicas: 1 },
    status: { instances: { [`${name}-1`]: 'running' }, health: { [`${name}-1`]: health }, readyReplicas },
  })
const copy = (name: string, status: object): void =>
  world.mcpd.store.put('instance', name, { spec: { server: name.split('-')[0] ?? '' }, status: { ...status } })
const polls = () => world.mcpd.requests.filter(({ path }) => path.includes('changedAfter')).length

describe('wait', () => {
  it('returns at once when it is so already', async () => {
    server('a', 'healthy')
    expect(await world.run(['wait', '--for=condition=healthy', 'server/a'])).toEqual({
      code: 0,
      out: 'server/a condition met\n',
      err: '',
    })
  })

  it('waits for resources of several kinds, and says each when it has come to be', async () => {
    server('a', 'unknown')
    copy('b-1', { phase: 'starting' })
    let out = ''
    const ran = world.run(['wait', '--for', 'condition=Healthy', 'server/a', 'instance/b-1'], {
      onOut: (text) => {
        out += text
      },
    })
    await vi.waitFor(() => expect(polls()).toBe(2))
    copy('b-1', { phase: 'running', health: 'healthy' })
    await vi.waitFor(() => expect(out).toBe('instance/b-1 condition met\n'))
    server('a', 'healthy')
    expect(await ran).toMatchObject({ code: 0, out: 'instance/b-1 condition met\nserver/a condition met\n' })
  })

  it('exits with 1 at the timeout, and says what each is instead and why', async () => {
    server('a', 'unhealthy', 0)
    copy('a-1', { phase: 'running', health: 'unhealthy', healthReason: 'tools/list: no answer within 10 s' })
    server('b', 'healthy')
    const { code, out, err } = await world.run([
      ...['wait', '--for=condition=ready', 'server/a', 'server/b', '--timeout', '0'],
    ])
    expect([code, out]).toEqual([1, 'server/b condition met\n'])
    expect(err).toContain(
      'server/a is not ready: 0 of 1 copy ready; a-1: it is Unhealthy: tools/list: no answer within 10 s',
    )
    expect(err).toContain('mcpctl describe server/a')
  })

  it('looks again at changes until the time is over', async () => {
    server('a', 'unknown')
    let asked = 0
    world.mcpd.intercept = ({ path }) => {
      if (path === '/api/v1/servers' && ++asked === 3) world.now = new Date(world.now.getTime() + 31_000)
      return undefined
    }
    const ran = world.run(['wait', '--for=condition=healthy', 'server/a'])
    await vi.waitFor(() => expect(polls()).toBe(1))
    server('a', 'degraded')
    await vi.waitFor(() => expect(asked).toBe(3))
    server('a', 'unknown')
    expect((await ran).code).toBe(1)
  })

  it('says what does not exist at once, with the nearest name', async () => {
    server('github', 'healthy')
    const { code, err } = await world.run(['wait', '--for=condition=healthy', 'server/githbu'])
    expect(code).toBe(1)
    expect(err).toContain('github')
  })

  it('returns when a resource is deleted, was, or is another one of its name', async () => {
    await world.given('kind: project\nmetadata: { name: a }\nspec: {}\n')
    const ran = world.run(['wait', '--for=delete', 'project/a', 'project/never'])
    await vi.waitFor(() => expect(polls()).toBe(1))
    await world.run(['delete', 'project/a'])
    expect(await ran).toMatchObject({ code: 0, out: 'project/never condition met\nproject/a condition met\n' })
    server('b', 'healthy')
    const again = world.run(['wait', '--for=delete', 'server/b'])
    await vi.waitFor(() => expect(polls()).toBe(2))
    server('b', 'healthy')
    expect(await again).toMatchObject({ code: 0 })
  })

  it('goes on while mcpd is restarted', async () => {
    server('a', 'unknown')
    let asked = 0
    world.mcpd.intercept = () => {
      asked += 1
      if (asked === 3) server('a', 'healthy')
      return asked === 2 ? { status: 503, body: { code: 'stopping', detail: 'mcpd is stopping' } } : undefined
    }
    expect(await world.run(['wait', '--for=condition=healthy', 'server/a'])).toMatchObject({ code: 0, err: '' })
  })

  it('takes all of a kind, or those with a label', async () => {
    server('a', 'healthy')
    server('b', 'healthy')
    const { out } = await world.run(['wait', '--for=condition=healthy', 'servers', '--all'])
    expect(out).toBe('server/a condition met\nserver/b condition met\n')
  })

  it.each([
    [['--for=condition=happy', 'server/a'], 'servers have no condition "happy"'],
    [['--for=condition=healthy', 'project/a'], 'projects have no condition "healthy"'],
    [['--for=condition=constructor', 'server/a'], 'servers have no condition "constructor"'],
    [['--for=ready', 'server/a'], '--for cannot be "ready"'],
    [['--for=delete', 'servers'], 'wait for which ones?'],
    [['--for=delete', 'server/a', '--timeout', 'soon'], '--timeout cannot be "soon"'],
  ])('refuses %j', async (argv, message) => {
    const { code, err } = await world.run(['wait', ...argv])
    expect(code).toBe(2)
    expect(err).toContain(message)
  })
})
