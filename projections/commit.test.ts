import { describe, expect, it } from 'vitest'
import { decodeCommit, encodeCommit } from './commit.ts'

const changes = (count: number) => [{ kind: 'server', names: Array.from({ length: count }, (_, n) => `name-${n}`) }]

describe('a commit as other programs are notified of it', () => {
  it('comes back as it was', () => {
    const commit = { position: 2n ** 60n, changes: changes(3) }
    expect(decodeCommit(encodeCommit(commit))).toEqual(commit)
  })

  it('leaves the names out where there are too many for one notification', () => {
    const encoded = encodeCommit({ position: 1n, changes: changes(2_000) })
    expect(encoded.length).toBeLessThan(8_000)
    expect(decodeCommit(encoded)).toEqual({ position: 1n, changes: [{ kind: 'server' }] })
  })

  it.each(['', '{', 'null', '{"position":1,"changes":[]}', '{"position":"x","changes":[]}', '{"position":"1"}'])(
    'is nothing where no mcpd has written it: %s',
    (payload) => expect(decodeCommit(payload)).toBeUndefined(),
  )
})
