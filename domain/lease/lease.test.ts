import { describe, it } from 'vitest'
import { given } from '../kernel/testing/given.ts'
import { type LeaseHolder, leaseDecider } from './lease.ts'

const ada: LeaseHolder = { id: 'ada', url: 'http://127.0.0.1:1', ttlMs: 1000 }
const bob: LeaseHolder = { id: 'bob', url: 'http://127.0.0.1:2', ttlMs: 1000 }
const taken = { type: 'LeaseTaken', data: ada } as const
const renewed = { type: 'LeaseRenewed', data: ada } as const
const take = (holder: LeaseHolder, expired?: bigint) =>
  ({ type: 'TakeLease', holder, ...(expired === undefined ? {} : { expired }) }) as const

describe('a lease', () => {
  it('is taken when nobody holds it', () => given(leaseDecider).when(take(ada)).then(taken))
  it('is not taken from somebody else', () => {
    given(leaseDecider, taken).when(take(bob)).rejects('lease-held')
  })
  it('is taken over by whoever saw it stand unrenewed', () =>
    given(leaseDecider, taken, renewed).when(take(bob, 1n)).then({ type: 'LeaseTaken', data: bob }))
  it('is not taken over when it was renewed since', () => {
    given(leaseDecider, taken, renewed).when(take(bob, 0n)).rejects('lease-held')
  })
  it('is taken back at once by the one who held it before a crash', () =>
    given(leaseDecider, taken).when(take(ada)).thenNothing())
  it('is taken anew by its holder when that is to be reached elsewhere', () => {
    const moved = { ...ada, url: 'http://127.0.0.1:3' }
    given(leaseDecider, taken).when(take(moved)).then({ type: 'LeaseTaken', data: moved })
  })
  it('is renewed by its holder, once for each look at it', () => {
    const renew = { type: 'RenewLease', holder: ada, after: 0n } as const
    given(leaseDecider, taken).when(renew).then(renewed)
    given(leaseDecider, taken, renewed).when(renew).thenNothing()
  })
  it('is not renewed by who has lost it', () =>
    given(leaseDecider, taken).when({ type: 'RenewLease', holder: bob, after: 0n }).thenNothing())
  it('is free at once when it was given back', () => {
    const released = { type: 'LeaseReleased', data: { id: 'ada' } } as const
    given(leaseDecider, taken).when({ type: 'ReleaseLease', id: 'ada' }).then(released)
    given(leaseDecider, taken, released).when(take(bob)).then({ type: 'LeaseTaken', data: bob })
  })
  it('is not given back by somebody else', () =>
    given(leaseDecider, taken).when({ type: 'ReleaseLease', id: 'bob' }).thenNothing())
})
