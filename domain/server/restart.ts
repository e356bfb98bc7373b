import { z } from 'zod'
import type { Decider, Recorded } from '../kernel/decider.ts'
import { notFound } from '../kernel/declared.ts'
import type { DomainEvent } from '../kernel/event.ts'
import { eventType } from '../kernel/event-type.ts'

export const serverRestartRequested = eventType({
  type: 'ServerRestartRequested',
  version: 1,
  categories: ['server'],
  summary: 'Every copy of the server is to be replaced by a new one, though its spec is the same',
  schema: z.object({ uid: z.string(), at: z.string() }),
})

export interface RestartState {
  /** Of the server that is declared; undefined when there is none. */
  readonly uid?: string
  readonly restartedAt?: string
}

export interface RequestRestart {
  readonly type: 'RequestRestart'
  readonly name: string
  /** ISO 8601. Copies that were made for an earlier one are replaced. */
  readonly at: string
}

/** Restarting what is declared: a decision on the server's own stream. @throws NotFound */
export const restartDecider: Decider<RestartState, RequestRestart, DomainEvent> = {
  initial: {},
  evolve(state, { type, data }: Recorded<DomainEvent>) {
    if (type === 'ServerDeclared') return typeof data.uid === 'string' ? { ...state, uid: data.uid } : state
    if (type === 'ServerDeleted') return {}
    if (type === 'ServerRestartRequested' && typeof data.at === 'string') return { ...state, restartedAt: data.at }
    return state
  },
  decide({ name, at }, { uid, restartedAt }) {
    if (uid === undefined) throw notFound({ kind: 'server', name })
    return restartedAt === at ? [] : [{ type: 'ServerRestartRequested', data: { uid, at } }]
  },
}
