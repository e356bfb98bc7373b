import { describe, expect, it } from 'vitest'
import { specHash } from './spec-hash.ts'

describe('the hash of what a copy is made from', () => {
  const spec = { command: 'node', args: ['a'], replicas: 1 }
  const hash = specHash({ spec, status: {} })

  it('stays what it was in earlier versions, which would replace every copy otherwise', () => {
    expect(hash).toBe('f848f22488')
  })
  it('is the same whatever the order of members and the number of copies', () => {
    expect(specHash({ spec: { replicas: 3, args: ['a'], command: 'node' }, status: { readyReplicas: 1 } })).toBe(hash)
  })
  it('is another one for another spec, and for each restart that is asked for', () => {
    const restarted = (restartedAt: string) => specHash({ spec, status: { restartedAt } })
    const all = [hash, specHash({ spec: { ...spec, args: [] }, status: {} }), restarted('1'), restarted('2')]
    expect(new Set(all).size).toBe(4)
  })
})
