import { describe, expect, it } from 'vitest'
import { MAX_TOGETHER, together } from './together.ts'

describe('questions that are asked together', () => {
  const setUp = () => {
    const batches: number[][] = []
    const double = together(async (questions: readonly number[]) => {
      batches.push([...questions])
      if (questions.includes(13)) throw new Error('unlucky')
      return questions.map((n) => n * 2)
    })
    return { batches, double }
  }

  it('are answered at once, each with its own answer', async () => {
    const { batches, double } = setUp()
    expect(await Promise.all([1, 2, 2, 3].map(double))).toEqual([2, 4, 4, 6])
    expect(batches).toEqual([[1, 2, 2, 3]])
  })

  it('include those of everybody whom one event woke', async () => {
    const { batches, double } = setUp()
    const woken = Promise.resolve()
    const ask = async (n: number) => {
      await woken
      return double(n)
    }
    expect(await Promise.all([ask(1), ask(2), ask(3)])).toEqual([2, 4, 6])
    expect(batches).toHaveLength(1)
  })

  it('do not wait for later ones', async () => {
    const { batches, double } = setUp()
    await double(1)
    await double(2)
    expect(batches).toEqual([[1], [2]])
  })

  it('are bounded in number', async () => {
    const { batches, double } = setUp()
    await Promise.all(Array.from({ length: MAX_TOGETHER + 1 }, (_, n) => double(n + 100)))
    expect(batches.map(({ length }) => length)).toEqual([MAX_TOGETHER, 1])
  })

  it('fail together, and the next ones are not harmed', async () => {
    const { double } = setUp()
    const outcomes = await Promise.allSettled([double(1), double(13)])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await double(1)).toBe(2)
  })
})
