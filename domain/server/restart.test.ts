import { describe, it } from 'vitest'
import { given } from '../kernel/testing/given.ts'
import { restartDecider } from './restart.ts'

const at = '2026-01-01T00:00:00.000Z'
const declared = { type: 'ServerDeclared', data: { uid: 's1', spec: {}, labels: {} } }
const requested = { type: 'ServerRestartRequested', data: { uid: 's1', at } }
const restart = { type: 'RequestRestart', name: 'a', at } as const

describe('a restart of a server', () => {
  it('is asked for as often as it is wanted', () => {
    const earlier = { type: 'ServerRestartRequested', data: { uid: 's1', at: '2025-01-01T00:00:00.000Z' } }
    given(restartDecider, declared, earlier).when(restart).then(requested)
  })
  it('is asked for once at a time', () => given(restartDecider, declared, requested).when(restart).thenNothing())
  it('needs a server', () => {
    given(restartDecider).when(restart).rejects('not-found')
    given(restartDecider, declared, { type: 'ServerDeleted', data: { uid: 's1' } })
      .when(restart)
      .rejects('not-found')
  })
})
