import { createHash, randomBytes } from 'node:crypto'
import {
  type AccessToken,
  accessTokenDecider,
  type adminBootstrapped,
  type Principal,
} from '../domain/accesstoken/decide.ts'
import type { Clock } from '../domain/kernel/clock.ts'
import type { Decider } from '../domain/kernel/decider.ts'
import { coded, isError } from '../domain/kernel/errors.ts'
import type { Actor } from '../domain/kernel/event.ts'
import type { EventOf } from '../domain/kernel/event-type.ts'
import { logUnavailable } from '../domain/kernel/log-errors.ts'
import { settledWithin } from '../domain/kernel/settled-within.ts'
import type { CommandContext } from './context.ts'
import type { CommandLoop } from './handle.ts'

/** 401: no bearer, or one that is unknown, expired or revoked: which of these is not said. */
export const unauthenticated = coded('unauthenticated', 401, 'No valid bearer token', () => ({
  message: 'the bearer token is missing or not valid',
  hint: 'Log in with "mcpctl login", or set MCPCTL_TOKEN',
}))

/** 422: a token that somebody else made has to look like ours. */
export const invalidToken = coded('invalid-token', 422, 'A given token does not have the form of one', () => ({
  message: 'the given token does not have the form of one: "mcpctl_at_" and 43 characters of base64url',
  hint: 'Make one: echo "mcpctl_at_$(openssl rand 32 | basenc --base64url | tr -d =)"',
}))

/** Who a request comes from. */
export interface Identity {
  readonly principal: Principal
  readonly actor: Actor
}

export interface AccessTokens {
  /** Makes a token for a principal. It is in the answer and nowhere else. */
  issue(principal: Principal, description: string, context: CommandContext): Promise<string>
  revoke(token: string, reason: string, context: CommandContext): Promise<void>
  /** @throws Unauthenticated */
  authenticate(bearer: string | undefined): Promise<Identity>
  /**
   * On the very first start of a system: makes the administrator's first token and answers it; undefined at every other start.
   * @param given a token made by somebody else, instead of a new one. @throws InvalidToken
   */
  bootstrap(context: CommandContext, given?: string): Promise<string | undefined>
}

/** The administrator that every system begins with. */
export const ADMIN: Principal = { kind: 'User', name: 'admin' }

/** How long a token that was found valid is believed without looking again; revoking it in this process takes effect at once. */
const TRUST_MS = 5_000
/** How long it is believed while the log is away: nothing can be revoked then, and reads shall go on. */
const TRUST_IN_OUTAGE_MS = 10 * 60_000
const MAX_TRUSTED = 5_000
/** How long a log that does not answer is waited for before a token that is still believed passes: each read would wait otherwise. */
const PATIENCE_MS = 500

const TOKEN = /^mcpctl_at_[A-Za-z0-9_-]{43}$/

const newToken = (): string => `mcpctl_at_${randomBytes(32).toString('base64url')}`
const shaOf = (token: string): string => createHash('sha256').update(token).digest('hex')
const streamOf = (sha: string): string => `accesstoken-${sha}`

const bootstrapDecider: Decider<
  { readonly done: boolean },
  { readonly tokenSha: string; readonly at: string },
  EventOf<typeof adminBootstrapped>
> = {
  initial: { done: false },
  evolve: () => ({ done: true }),
  decide: (command, state) =>
    state.done ? [] : [{ type: 'AdminBootstrapped', data: { admin: ADMIN.name, ...command } }],
}

export const createAccessTokens = (loop: Pick<CommandLoop, 'load' | 'handle'>, clock: Clock): AccessTokens => {
  const trusted = new Map<string, { readonly token: AccessToken; readonly seenAt: number }>()

  const looks = new Map<string, { readonly answer: Promise<AccessToken>; readonly since: number }>()

  /** What the log says of it; asked once at a time. */
  const look = (sha: string): { readonly answer: Promise<AccessToken>; readonly since: number } => {
    const underWay = looks.get(sha)
    if (underWay !== undefined) return underWay
    const answer: Promise<AccessToken> = loop.load(accessTokenDecider, streamOf(sha)).then(({ state }) => {
      // A token that was revoked meanwhile is not believed on what was read before.
      if (looks.get(sha)?.answer !== answer) return state
      trusted.delete(sha)
      if (state.status === 'active') trusted.set(sha, { token: state, seenAt: clock.now().getTime() })
      if (trusted.size > MAX_TRUSTED) trusted.delete(trusted.keys().next().value ?? '')
      return state
    })
    const begun = { answer, since: clock.now().getTime() }
    looks.set(sha, begun)
    // Whoever waits for the answer hears of a failure; it may be that nobody does any more.
    const done = (): void => {
      if (looks.get(sha)?.answer === answer) looks.delete(sha)
    }
    answer.then(done, done)
    return begun
  }

  const find = async (sha: string): Promise<AccessToken> => {
    const known = trusted.get(sha)
    // A clock that was set back must not make an old look last longer.
    const age = known === undefined ? Number.POSITIVE_INFINITY : Math.abs(clock.now().getTime() - known.seenAt)
    if (known !== undefined && age < TRUST_MS) return known.token
    const { answer, since } = look(sha)
    if (known === undefined || age >= TRUST_IN_OUTAGE_MS) return answer
    const patience = Math.min(PATIENCE_MS, Math.max(0, since + PATIENCE_MS - clock.now().getTime()))
    try {
      return (await settledWithin(answer, patience)) ? await answer : known.token
    } catch (error) {
      if (!isError(error, logUnavailable)) throw error
      return known.token
    }
  }

  const issue = async (
    token: string,
    principal: Principal,
    description: string,
    context: CommandContext,
  ): Promise<void> => {
    const command = { type: 'IssueAccessToken', principal, description, at: clock.now().toISOString() } as const
    await loop.handle(accessTokenDecider, streamOf(shaOf(token)), command, context)
  }

  return {
    async issue(principal, description, context) {
      const token = newToken()
      await issue(token, principal, description, context)
      return token
    },
    async revoke(token, reason, context) {
      const sha = shaOf(token)
      trusted.delete(sha)
      const command = { type: 'RevokeAccessToken', reason, at: clock.now().toISOString() } as const
      await loop.handle(accessTokenDecider, streamOf(sha), command, context)
      trusted.delete(sha)
      looks.delete(sha)
    },
    async authenticate(bearer) {
      if (bearer === undefined || !TOKEN.test(bearer)) throw unauthenticated()
      // A token is found by its hash, so nothing here takes longer the more of a guess is right.
      const sha = shaOf(bearer)
      const { status, principal, expiresAt } = await find(sha)
      const expired = expiresAt !== undefined && Date.parse(expiresAt) <= clock.now().getTime()
      if (status !== 'active' || principal === undefined || expired) throw unauthenticated()
      return { principal, actor: { ...principal, tokenSha: sha.slice(0, 12) } }
    },
    async bootstrap(context, given) {
      const { state } = await loop.load(bootstrapDecider, 'bootstrap-admin')
      if (state.done) return undefined
      if (given !== undefined && !TOKEN.test(given)) throw invalidToken()
      const token = given ?? newToken()
      await issue(token, ADMIN, 'made at the first start', context)
      const command = { tokenSha: shaOf(token).slice(0, 12), at: clock.now().toISOString() }
      const { outcome } = await loop.handle(bootstrapDecider, 'bootstrap-admin', command, context)
      return outcome === 'changed' ? token : undefined
    },
  }
}
