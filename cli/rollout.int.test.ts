import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

const server = (command: string) => `kind: server\nmetadata: { name: a }\nspec: { command: ${command}, replicas: 2 }\n`

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

const rollout = (ready: number, outdated: number, more: object = {}) => ({
  replicas: 2,
  updated: 2,
  ready,
  outdated,
  done: ready === 2 && outdated === 0,
  failing: [],
  ...more,
})
/** What mcpd says of the rollout, one answer after the other; the last one stays. */
const said = (...answers: object[]): void => {
  world.mcpd.intercept = ({ path }) =>
    path === '/api/v1/servers/a/rollout'
      ? { body: answers.length > 1 ? answers.shift() : answers[0] }
      : path === '/api/v1/servers/a/restart'
        ? { body: { outcome: 'configured', events: [] } }
        : undefined
}
const commandOf = async () => (await world.run(['get', 'server', 'a', '-o', 'jsonpath={.spec.command}'])).out

describe('rollout status', () => {
  it('tells each step once and returns when it is done', async () => {
    said(rollout(0, 2), rollout(1, 2), rollout(1, 2), rollout(2, 1), rollout(2, 0))
    expect(await world.run(['rollout', 'status', 'server/a'])).toEqual({
      code: 0,
      out:
        'waiting for server/a: 0 of 2 copies run the present spec, 2 copies of an earlier one still there\n' +
        'waiting for server/a: 1 of 2 copies run the present spec, 2 copies of an earlier one still there\n' +
        'waiting for server/a: 1 copy of an earlier one still there\n' +
        'server/a is rolled out: 2 of 2 copies run the present spec\n',
      err: '',
    })
  })

  it('exits with 1 at the timeout, with the reason of what fails', async () => {
    const failing = [{ instance: 'a-1', reason: 'The command "x" was not found.\nmore', nextRetryAt: null }]
    said(rollout(1, 1, { failing }))
    const { code, err } = await world.run(['rollout', 'status', 'a', '--timeout', '0s'])
    expect(code).toBe(1)
    expect(err).toContain('server/a is not rolled out after 0s: a-1: The command "x" was not found.')
    expect(err).toContain('mcpctl rollout undo a')
  })

  it('goes on while mcpd is restarted', async () => {
    let asked = 0
    world.mcpd.intercept = () =>
      ++asked < 3 ? { status: 503, body: { code: 'stopping', detail: 'mcpd is stopping' } } : { body: rollout(2, 0) }
    expect((await world.run(['rollout', 'status', 'a'])).code).toBe(0)
  })

  it('tells how far it is and waits for nothing with --no-watch', async () => {
    said(rollout(1, 0))
    expect(await world.run(['rollout', 'status', 'a', '--no-watch'])).toMatchObject({ code: 0, err: '' })
  })
})

describe('rollout restart', () => {
  it('asks for it and says so', async () => {
    said({})
    expect(await world.run(['rollout', 'restart', 'server/a'])).toEqual({
      code: 0,
      out: 'server/a restarted\n',
      err: '',
    })
    expect(world.mcpd.requests.at(-1)).toMatchObject({ method: 'POST', path: '/api/v1/servers/a/restart' })
  })

  it('is for servers only', async () => {
    const { code, err } = await world.run(['rollout', 'restart', 'project/a'])
    expect([code, err]).toEqual([2, expect.stringContaining('only servers have copies that roll over')])
  })
})

describe('rollout undo', () => {
  beforeEach(async () => {
    for (const command of ['x', 'y', 'z']) await world.given(server(command))
  })

  it('declares what was before the last change, and once more makes it again', async () => {
    expect((await world.run(['rollout', 'undo', 'server/a'])).out).toBe('server/a rolled back to revision 1\n')
    expect(await commandOf()).toBe('y')
    await world.run(['rollout', 'undo', 'a'])
    expect(await commandOf()).toBe('z')
  })

  it('goes back to any revision there was, and to no other', async () => {
    expect((await world.run(['rollout', 'undo', 'a', '--to-revision', '0'])).code).toBe(0)
    expect(await commandOf()).toBe('x')
    const { code, err } = await world.run(['rollout', 'undo', 'a', '--to-revision', '99'])
    expect([code, err]).toEqual([1, expect.stringContaining('server/a has no revision 99')])
    expect((await world.run(['rollout', 'undo', 'a', '--to-revision', '-1'])).code).toBe(2)
  })

  it('changes nothing in a dry run', async () => {
    expect((await world.run(['rollout', 'undo', 'a', '--dry-run', 'server'])).out).toContain('(server dry run)')
    expect(await commandOf()).toBe('z')
  })
})

it('rollout undo of what was never changed says so', async () => {
  await world.given(server('x'))
  const { code, err } = await world.run(['rollout', 'undo', 'a'])
  expect([code, err]).toEqual([1, expect.stringContaining('server/a has no earlier revision')])
})

it('rollout history shows the revisions, and one in full', async () => {
  for (const command of ['x', 'y']) await world.given(server(command))
  const { out } = await world.run(['rollout', 'history', 'a'])
  expect(out.split('\n').map((line) => line.split(/\s+/)[0])).toEqual(['REVISION', '1', '0', ''])
  expect((await world.run(['rollout', 'history', 'a', '--revision', '0'])).out).toContain('command: x')
})
