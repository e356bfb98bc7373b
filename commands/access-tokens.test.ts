import { describe, expect, it } from 'vitest'
import { logUnavailable } from '../domain/kernel/log-errors.ts'
import { ADMIN, createAccessTokens } from './access-tokens.ts'
import type { CommandLoop } from './handle.ts'
import { reactorContext } from './reactors/reactor.ts'

/** A loop over states in memory: what a token's stream folds to. */
const setUp = () => {
  const states = new Map<string, unknown>()
  let away = false
  let now = Date.parse('2026-01-01T00:00:00Z')
  const available = (): void => {
    if (away) throw logUnavailable('it is away')
  }
  let silent = false
  const loop: Pick<CommandLoop, 'load' | 'handle'> = {
    async load(decider, stream) {
      available()
      if (silent) await new Promise(() => undefined)
      return { state: (states.get(stream) ?? decider.initial) as typeof decider.initial, revision: 'none' }
    },
    async handle(decider, stream, command) {
      available()
      const before = (states.get(stream) ?? decider.initial) as typeof decider.initial
      const events = decider.decide(command, before)
      const at = {
        eventId: '',
        stream,
        revision: 0n,
        position: 0n,
        at: '',
        actor: { kind: 'System', name: 't' },
      } as const
      const state = events.reduce((all, event) => decider.evolve(all, { ...event, ...at }), before)
      states.set(stream, state)
      return { state, revision: 0n, position: 0n, events: [], outcome: events.length > 0 ? 'changed' : 'unchanged' }
    },
  }
  return {
    tokens: createAccessTokens(loop, { now: () => new Date(now) }),
    pass: (ms: number) => {
      now += ms
    },
    takeLogAway: () => {
      away = true
    },
    silenceLog: () => {
      silent = true
    },
  }
}
const context = reactorContext('test', '00000000-0000-8000-8000-000000000000')

describe('a bearer token', () => {
  it('is accepted for its principal, and known by its hash', async () => {
    const { tokens } = setUp()
    const token = await tokens.issue(ADMIN, '', context)
    const { principal, actor } = await tokens.authenticate(token)
    expect(principal).toEqual(ADMIN)
    expect(actor.tokenSha).toMatch(/^[0-9a-f]{12}$/)
    expect(JSON.stringify(actor)).not.toContain(token.slice(10))
  })

  it.each([undefined, '', 'mcpctl_at_short', `mcpctl_at_${'A'.repeat(43)}`])('%s is refused', async (bearer) => {
    await expect(setUp().tokens.authenticate(bearer)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('is refused as soon as it is revoked', async () => {
    const { tokens } = setUp()
    const token = await tokens.issue(ADMIN, '', context)
    await tokens.authenticate(token)
    await tokens.revoke(token, 'lost', context)
    await expect(tokens.authenticate(token)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it('that was accepted before is accepted for ten minutes while the log is away', async () => {
    const { tokens, pass, takeLogAway } = setUp()
    const token = await tokens.issue(ADMIN, '', context)
    const other = await tokens.issue(ADMIN, '', context)
    await tokens.authenticate(token)
    takeLogAway()
    pass(9 * 60_000)
    expect((await tokens.authenticate(token)).principal).toEqual(ADMIN)
    await expect(tokens.authenticate(other)).rejects.toMatchObject({ code: 'log-unavailable' })
    pass(2 * 60_000)
    await expect(tokens.authenticate(token)).rejects.toMatchObject({ code: 'log-unavailable' })
  })
})

describe('a bearer token that was accepted before', () => {
  it('does not wait for a log that does not answer', async () => {
    const { tokens, pass, silenceLog } = setUp()
    const token = await tokens.issue(ADMIN, '', context)
    await tokens.authenticate(token)
    silenceLog()
    pass(9 * 60_000)
    for (let n = 0; n < 3; n += 1) expect((await tokens.authenticate(token)).principal).toEqual(ADMIN)
  })
})

describe('the first start', () => {
  it('makes one token, once', async () => {
    const { tokens } = setUp()
    expect(await tokens.bootstrap(context)).toMatch(/^mcpctl_at_/)
    expect(await tokens.bootstrap(context)).toBeUndefined()
  })

  it('takes a given token only in the form of one', async () => {
    const { tokens } = setUp()
    await expect(tokens.bootstrap(context, 'hunter2')).rejects.toMatchObject({ code: 'invalid-token' })
    const given = `mcpctl_at_${'b'.repeat(43)}`
    expect(await tokens.bootstrap(context, given)).toBe(given)
    expect((await tokens.authenticate(given)).principal).toEqual(ADMIN)
  })
})
