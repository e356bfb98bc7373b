import { describe, expect, it } from 'vitest'
import { limits, limitsOf, showBytes } from './limits.ts'

describe('the limits of a copy', () => {
  it.each([
    ['512Mi', 512 * 1024 * 1024],
    ['1Gi', 1024 ** 3],
    ['64k', 64_000],
    ['1000000', 1_000_000],
  ])('take %s of memory for so many bytes', (memory, bytes) => {
    expect(limitsOf(limits.parse({ memory }))).toEqual({ memoryBytes: bytes })
  })

  it.each(['512Mi', '1Gi', '1536Ki', '64k', '3G', '1500001'])('show %s of memory as that', (memory) => {
    expect(showBytes(limitsOf(limits.parse({ memory })).memoryBytes ?? 0)).toBe(memory)
  })

  it.each([
    ['500m', 0.5],
    ['0.25', 0.25],
    ['2', 2],
  ])('take %s for so many CPUs', (cpu, cpus) => {
    expect(limitsOf(limits.parse({ cpu }))).toEqual({ cpus })
  })

  it.each([{ memory: '512 MB' }, { memory: '0' }, { memory: '-1Gi' }, { cpu: '0' }, { cpu: '0m' }, { cpu: 'half' }])(
    'refuse %j',
    (bad) => {
      expect(limits.safeParse(bad).success).toBe(false)
    },
  )

  it('leave out what is not limited', () => {
    expect(limitsOf(limits.parse({}))).toEqual({})
    expect(limitsOf(limits.parse({ openFiles: 256, processes: 10 }))).toEqual({ openFiles: 256, processes: 10 })
  })
})
