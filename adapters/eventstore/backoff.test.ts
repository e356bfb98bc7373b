import { describe, expect, it } from 'vitest'
import { pauseAfter } from './backoff.ts'

describe('the pause between attempts', () => {
  it('doubles from one failure to the next, up to two seconds', () => {
    const longest = [1, 2, 3, 7, 8, 100].map((failures) => pauseAfter(failures, () => 1))
    expect(longest).toEqual([25, 50, 100, 1600, 2000, 2000])
  })

  it('is by half a matter of chance', () => {
    expect(pauseAfter(8, () => 0)).toBe(1000)
  })
})
