import { z } from 'zod'
import { assertNever } from '../kernel/assert-never.ts'
import type { Decider } from '../kernel/decider.ts'
import { type EventOf, eventType } from '../kernel/event-type.ts'

/**
 * Bearer tokens of people and machines. Each has a stream named after the SHA-256 of the token (`accesstoken-<sha256>`), so a bearer is
 * looked up by its hash in the log itself; the token is nowhere.
 */
export const accessTokenIssued = eventType({
  type: 'AccessTokenIssued',
  version: 1,
  categories: ['accesstoken'],
  summary: 'A bearer token was made for a principal; only its SHA-256 is known',
  schema: z.object({
    principal: z.object({ kind: z.enum(['User', 'ServiceAccount']), name: z.string() }),
    description: z.string(),
    issuedAt: z.string(),
    expiresAt: z.string().optional(),
  }),
})
export const accessTokenRevoked = eventType({
  type: 'AccessTokenRevoked',
  version: 1,
  categories: ['accesstoken'],
  summary: 'A bearer token is refused from now on',
  schema: z.object({ reason: z.string(), revokedAt: z.string() }),
})
/** On the stream `bootstrap-admin`: its first event can be appended once only, however many mcpd start at once. */
export const adminBootstrapped = eventType({
  type: 'AdminBootstrapped',
  version: 1,
  categories: ['bootstrap'],
  summary: 'The first administrator and the first token came to be',
  schema: z.object({ admin: z.string(), tokenSha: z.string(), at: z.string() }),
})

export type AccessTokenEvent = EventOf<typeof accessTokenIssued> | EventOf<typeof accessTokenRevoked>

export interface Principal {
  readonly kind: 'User' | 'ServiceAccount'
  readonly name: string
}

export interface AccessToken {
  readonly status: 'none' | 'active' | 'revoked'
  readonly principal?: Principal
  readonly expiresAt?: string
}

export type AccessTokenCommand =
  | {
      readonly type: 'IssueAccessToken'
      readonly principal: Principal
      readonly description: string
      readonly at: string
      readonly expiresAt?: string
    }
  | { readonly type: 'RevokeAccessToken'; readonly reason: string; readonly at: string }

export const accessTokenDecider: Decider<AccessToken, AccessTokenCommand, AccessTokenEvent> = {
  initial: { status: 'none' },
  evolve(state, { type, data }) {
    switch (type) {
      case 'AccessTokenIssued': {
        const { principal, expiresAt } = data
        return { status: 'active', principal, ...(expiresAt === undefined ? {} : { expiresAt }) }
      }
      case 'AccessTokenRevoked':
        return { ...state, status: 'revoked' }
      default:
        return assertNever(type)
    }
  },
  decide(command, state) {
    switch (command.type) {
      case 'IssueAccessToken': {
        if (state.status !== 'none') return []
        const { type: _type, at: issuedAt, ...rest } = command
        return [{ type: 'AccessTokenIssued', data: { ...rest, issuedAt } }]
      }
      case 'RevokeAccessToken':
        if (state.status !== 'active') return []
        return [{ type: 'AccessTokenRevoked', data: { reason: command.reason, revokedAt: command.at } }]
      default:
        return assertNever(command)
    }
  },
}
