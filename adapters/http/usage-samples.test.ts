import { expect, it } from 'vitest'
import type { Usage } from '../../domain/instance/runtime.ts'
import { usageSamples } from './usage-samples.ts'

/** Instances that use so many millicores each, on a clock of their own. */
const instances = (millicores: Readonly<Record<string, number>>) => {
  let time = 0
  const waited: number[] = []
  const began: Record<string, number> = {}
  const samples = usageSamples({
    now: () => time,
    wait: async (ms) => {
      waited.push(ms)
      time += ms
    },
    usage: async (instance): Promise<Usage | undefined> => {
      const rate = millicores[instance]
      if (rate === undefined) return undefined
      return { cpuMs: ((time - (began[instance] ?? 0)) * rate) / 1000, memoryBytes: 1000, processes: 1 }
    },
  })
  return {
    samples,
    waited,
    pass: (ms: number) => {
      time += ms
    },
    restart: (instance: string) => {
      began[instance] = time
    },
  }
}

it('measures for a second, once for all that it does not know yet', async () => {
  const { samples, waited } = instances({ a: 250, b: 1500 })
  const found = await samples(['a', 'b', 'gone'])
  expect([...found].map(([name, { cpuMillicores, windowMs }]) => [name, cpuMillicores, windowMs])).toEqual([
    ['a', 250, 1000],
    ['b', 1500, 1000],
  ])
  expect(waited).toEqual([1000])
})

it('needs no wait when it is asked again, soon or later', async () => {
  const { samples, waited, pass } = instances({ a: 250 })
  await samples(['a'])
  expect((await samples(['a'])).get('a')).toMatchObject({ cpuMillicores: 250, windowMs: 1000 })
  pass(5_000)
  expect((await samples(['a'])).get('a')).toMatchObject({ cpuMillicores: 250, windowMs: 5000 })
  expect(waited).toHaveLength(1)
})

it('measures anew what it has not looked at for long, and what was started again', async () => {
  const { samples, waited, pass, restart } = instances({ a: 250 })
  await samples(['a'])
  pass(120_000)
  expect((await samples(['a'])).get('a')?.windowMs).toBe(1000)
  pass(2_000)
  restart('a')
  expect((await samples(['a'])).get('a')).toMatchObject({ cpuMillicores: 250, windowMs: 1000 })
  expect(waited).toEqual([1000, 1000, 1000])
})

it('answers two who ask at the same time', async () => {
  const { samples } = instances({ a: 250 })
  const both = await Promise.all([samples(['a']), samples(['a'])])
  expect(both.map((found) => found.get('a')?.cpuMillicores)).toEqual([250, 250])
})
