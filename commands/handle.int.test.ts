import { describe, expect, it } from 'vitest'

import { commandsOnLog, context, server } from './testing/commands-on-log.ts'

const { setUp, types, log } = commandsOnLog()

/** The log, noting what is asked of it. */
const watched = () => {
  const asked: string[] = []
  const spied = new Proxy(log(), {
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
