import { z } from 'zod'
import type { Decider } from '../kernel/decider.ts'
import { type EventOf, eventType } from '../kernel/event-type.ts'
import type { MasterKeyRotation } from './keyring.ts'

/** On the stream `masterkey-default`. Key ids are hashes of the keys, which are never in the log. */
export const masterKeyRotated = eventType({
  type: 'MasterKeyRotated',
  version: 1,
  categories: ['masterkey'],
  summary: 'All data keys were wrapped anew under another master key; no value was touched',
  schema: z.object({ from: z.string(), to: z.string(), rewrapped: z.int().min(0), at: z.string() }),
})

export const MASTER_KEY_STREAM = 'masterkey-default'

export interface MasterKeyHistory {
  /** The newest rotation, and the event that told of it. */
  readonly newest?: MasterKeyRotation & { readonly eventId: string }
}

export type MasterKeyCommand = { readonly type: 'RecordMasterKeyRotation'; readonly at: string } & MasterKeyRotation

/** A rotation that was interrupted is told of again when it is finished: it is recorded once. */
export const masterKeyDecider: Decider<MasterKeyHistory, MasterKeyCommand, EventOf<typeof masterKeyRotated>> = {
  initial: {},
  evolve: (_history, { data: { from, to, rewrapped }, eventId }) => ({ newest: { from, to, rewrapped, eventId } }),
  decide: ({ from, to, rewrapped, at }, { newest }) =>
    newest?.to === to ? [] : [{ type: 'MasterKeyRotated', data: { from, to, rewrapped, at } }],
}
