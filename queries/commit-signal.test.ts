import { describe, expect, it } from 'vitest'
import { CommitSignal } from './commit-signal.ts'

describe('waiting for a position', () => {
  it('ends at once when the position is there', async () => {
    const commits = new CommitSignal()
    commits.advance({ position: 5n, changes: [] })
    expect(await commits.waitFor(5n, { timeoutMs: 0 })).toBe(true)
  })

  it('ends with the commit that reaches it, not with one before', async () => {
    const commits = new CommitSignal()
    const order: string[] = []
    const waiting = commits.waitFor(5n).then((there) => order.push(`waited ${there}`))
    commits.advance({ position: 4n, changes: [] })
    await Promise.resolve()
    order.push('four')
    commits.advance({ position: 6n, changes: [] })
    await waiting
    expect(order).toEqual(['four', 'waited true'])
  })

  it('ends with false at the deadline and when the caller leaves', async () => {
    const commits = new CommitSignal()
    expect(await commits.waitFor(1n, { timeoutMs: 1 })).toBe(false)
    const leaving = new AbortController()
    const waiting = commits.waitFor(1n, { signal: leaving.signal })
    leaving.abort()
    expect(await waiting).toBe(false)
  })

  it('believes the database when that has gone back', async () => {
    const commits = new CommitSignal()
    commits.advance({ position: 9n, changes: [] })
    commits.reset(3n, ['server'])
    expect(await commits.waitFor(9n, { timeoutMs: 1 })).toBe(false)
    expect(commits.lastChange('server')).toBe(3n)
  })
})
