import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

let world = new World()
const use = (instance: string, server: string, cpuMillicores: number, mebibytes: number) => ({
  instance,
  server,
  cpuMillicores,
  memoryBytes: mebibytes * 2 ** 20,
  processes: 2,
  sessions: 1,
  windowMs: 1000,
})
beforeEach(async () => {
  world = new World()
  await world.start()
  world.mcpd.usage = [use('b-1', 'b', 10, 100), use('a-1', 'a', 1200, 40), use('a-2', 'a', 3, 50)]
})
afterEach(() => world.stop())

describe('top', () => {
  it('shows what instances use, by name', async () => {
    expect((await world.run(['top', 'instances'])).out).toBe(
      [
        'NAME   CPU(cores)   MEMORY(bytes)   PROCESSES   SESSIONS',
        'a-1    1200m        40Mi            2           1',
        'a-2    3m           50Mi            2           1',
        'b-1    10m          100Mi           2           1',
        '',
      ].join('\n'),
    )
  })

  it('sums what the copies of a server use', async () => {
    expect((await world.run(['top', 'servers', '--sort-by', 'memory'])).out).toBe(
      [
        'NAME   INSTANCES   CPU(cores)   MEMORY(bytes)   PROCESSES   SESSIONS',
        'b      1           10m          100Mi           2           1',
        'a      2           1203m        90Mi            4           2',
        '',
      ].join('\n'),
    )
  })

  it('sorts by CPU, leaves out the headers, and takes the instances of one server', async () => {
    const { out } = await world.run(['top', 'inst', '--server', 'a', '--sort-by', 'cpu', '--no-headers'])
    expect(out).toBe('a-1   1200m   40Mi   2   1\na-2   3m      50Mi   2   1\n')
  })

  it('gives exact numbers as JSON', async () => {
    const { out } = await world.run(['top', 'instances', '--server', 'b', '-o', 'json'])
    expect(JSON.parse(out)).toEqual({
      items: [
        {
          name: 'b-1',
          server: 'b',
          cpuMillicores: 10,
          memoryBytes: 100 * 2 ** 20,
          processes: 2,
          sessions: 1,
          windowMs: 1000,
        },
      ],
    })
  })

  it('says which of those that were asked for do not run', async () => {
    for (const name of ['b-1', 'b-2'])
      world.mcpd.store.put('instance', name, { spec: { server: 'b' }, status: { phase: 'pending' } })
    const { code, out, err } = await world.run(['top', 'instance', 'b-1', 'b-2', '--no-headers'])
    expect([code, out, err]).toEqual([1, 'b-1   10m   100Mi   2   1\n', 'instance/b-2 does not run\n'])
    expect((await world.run(['top', 'instance/b-3'])).err).toContain('does not exist')
  })

  it('refuses what uses nothing', async () => {
    expect(await world.run(['top', 'secrets'])).toMatchObject({ code: 2, err: expect.stringContaining('use nothing') })
    expect(await world.run(['top', 'servers', '--server', 'a'])).toMatchObject({ code: 2 })
    expect(await world.run(['top', 'servers,instances'])).toMatchObject({ code: 2 })
  })

  it('says so when nothing runs', async () => {
    world.mcpd.usage = []
    expect(await world.run(['top', 'instances'])).toEqual({ code: 0, out: '', err: 'Nothing runs\n' })
  })
})
