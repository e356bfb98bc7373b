import { z } from 'zod'
import type { Decider } from '../kernel/decider.ts'
import { coded } from '../kernel/errors.ts'
import type { Revision } from '../kernel/event.ts'
import { type EventOf, eventType } from '../kernel/event-type.ts'

/** Which mcpd does what only one may do at a time: run servers. */
export const REACTORS_LEASE = 'lease-reactors'

const holder = z.object({
  /** The same over restarts of one mcpd, different for any other. */
  id: z.string().min(1).max(200),
  /** Where the other mcpd reach it. */
  url: z.url(),
  /** Without a renewal for this long, in ms, another one may take it. */
  ttlMs: z.int().positive(),
})
export type LeaseHolder = z.output<typeof holder>

/** Each event says everything: the stream keeps its newest one only. */
export const leaseTaken = eventType({
  type: 'LeaseTaken',
  version: 1,
  categories: ['lease'],
  summary: 'From now on this mcpd does what only one may do',
  schema: holder,
})
export const leaseRenewed = eventType({
  type: 'LeaseRenewed',
  version: 1,
  categories: ['lease'],
  summary: 'The holder of a lease is alive',
  schema: holder,
})
export const leaseReleased = eventType({
  type: 'LeaseReleased',
  version: 1,
  categories: ['lease'],
  summary: 'The holder of a lease has ended its work: another mcpd may take it at once',
  schema: holder.pick({ id: true }),
})

export interface LeaseState {
  readonly holder?: LeaseHolder
  /** Of the stream's last event. */
  readonly revision: Revision | 'none'
}

export type LeaseCommand =
  /** `expired`: the revision at which the candidate saw the lease stand unrenewed for its whole time, by its own clock. */
  | { readonly type: 'TakeLease'; readonly holder: LeaseHolder; readonly expired?: Revision | 'none' }
  /** `after`: the revision that the holder knows as its own. */
  | { readonly type: 'RenewLease'; readonly holder: LeaseHolder; readonly after: Revision | 'none' }
  | { readonly type: 'ReleaseLease'; readonly id: string }

type LeaseEvent = EventOf<typeof leaseTaken> | EventOf<typeof leaseRenewed> | EventOf<typeof leaseReleased>

/** 409: somebody else holds the lease and is alive. */
export const leaseHeld = coded('lease-held', 409, 'Another mcpd holds the lease', ({ url, ttlMs }: LeaseHolder) => ({
  message: `mcpd at ${url} holds the lease`,
  hint: `It is free ${ttlMs / 1000} s after its holder has gone`,
}))

/**
 * A lease without a shared clock: nobody compares times of two machines. A candidate that has watched the same revision for
 * `ttlMs` says so by naming it, and the log decides between candidates by the revision they append to.
 */
export const leaseDecider: Decider<LeaseState, LeaseCommand, LeaseEvent> = {
  initial: { revision: 'none' },
  evolve(_state, event) {
    const { revision } = event
    return event.type === 'LeaseReleased' ? { revision } : { holder: event.data, revision }
  },
  decide(command, { holder, revision }) {
    switch (command.type) {
      case 'TakeLease':
        if (holder === undefined) return [{ type: 'LeaseTaken', data: command.holder }]
        if (holder.id === command.holder.id && holder.url === command.holder.url) return []
        if (holder.id === command.holder.id || revision === command.expired)
          return [{ type: 'LeaseTaken', data: command.holder }]
        throw leaseHeld(holder)
      case 'RenewLease':
        return holder?.id === command.holder.id && revision === command.after
          ? [{ type: 'LeaseRenewed', data: command.holder }]
          : []
      case 'ReleaseLease':
        return holder?.id === command.id ? [{ type: 'LeaseReleased', data: { id: command.id } }] : []
    }
  },
}
