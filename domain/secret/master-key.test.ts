import { describe, it } from 'vitest'
import { given } from '../kernel/testing/given.ts'
import { masterKeyDecider } from './master-key.ts'

const at = '2026-01-01T00:00:00.000Z'
const record = (from: string, to: string) => ({ type: 'RecordMasterKeyRotation', from, to, rewrapped: 3, at }) as const
const rotated = (from: string, to: string) => ({
  type: 'MasterKeyRotated' as const,
  data: { from, to, rewrapped: 3, at },
})

describe('a master key', () => {
  it('has its rotation recorded', () => given(masterKeyDecider).when(record('a', 'b')).then(rotated('a', 'b')))

  it('has a rotation that is told of twice recorded once', () =>
    given(masterKeyDecider, rotated('a', 'b')).when(record('a', 'b')).thenNothing())

  it('is recorded again when an earlier key comes back', () =>
    given(masterKeyDecider, rotated('a', 'b')).when(record('b', 'a')).then(rotated('b', 'a')))
})
