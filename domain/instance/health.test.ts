import { describe, expect, it } from 'vitest'
import { findings, type HealthPolicy, worstOf } from './health.ts'

const policy: HealthPolicy = { intervalMs: 30_000, timeoutMs: 10_000, failureThreshold: 3 }

describe('what probes come to', () => {
  it('is healthy after one that went well, whatever was before', () =>
    expect(findings(7, undefined, policy)).toEqual({ failures: 0, health: 'healthy', restart: false }))

  it('is degraded below the threshold and unhealthy from there on, with the reason', () => {
    expect(findings(0, 'no answer', policy)).toMatchObject({ failures: 1, health: 'degraded', reason: 'no answer' })
    expect(findings(1, 'no answer', policy)).toMatchObject({ failures: 2, health: 'degraded' })
    expect(findings(2, 'no answer', policy)).toMatchObject({
      failures: 3,
      health: 'unhealthy',
      reason: 'no answer (3 failures in a row)',
    })
  })

  it('is a restart after as many failures as the server says, and never without', () => {
    const restarts = { ...policy, restartAfter: 5 }
    expect([3, 4, 5].map((before) => findings(before, 'no', restarts).restart)).toEqual([false, true, true])
    expect(findings(1_000, 'no', policy).restart).toBe(false)
  })
})

describe('a server', () => {
  it.each([
    [['healthy', 'healthy'], 'healthy'],
    [['healthy', 'unknown'], 'unknown'],
    [['healthy', 'unhealthy'], 'degraded'],
    [['degraded', 'unknown'], 'degraded'],
    [['unhealthy', 'unhealthy'], 'unhealthy'],
    [[], undefined],
  ] as const)('whose copies are %j is %s', (copies, health) => expect(worstOf(copies)).toBe(health))
})
