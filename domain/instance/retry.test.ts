import { describe, expect, it } from 'vitest'
import { isRetryDue, retryDelayMs } from './retry.ts'

describe('a planned attempt', () => {
  const now = new Date('2026-01-01T12:00:00.000Z')
  const planned = (failures: number, at = now): string => new Date(at.getTime() + retryDelayMs(failures)).toISOString()

  it.each([1, 5, 6, 100])('after %i failures is due when its time has come, not before', (failures) => {
    const at = planned(failures)
    expect(isRetryDue(at, now)).toBe(false)
    expect(isRetryDue(at, new Date(Date.parse(at) - 1))).toBe(false)
    expect(isRetryDue(at, new Date(at))).toBe(true)
  })

  it.each([1, 6])('after %i failures does not wait an hour for a clock that was set back', (failures) => {
    expect(isRetryDue(planned(failures), new Date(now.getTime() - 3_600_000))).toBe(true)
  })
})
