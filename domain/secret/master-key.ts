import { z } from 'zod'
import { eventType } from '../kernel/event-type.ts'

/** On the stream `masterkey-default`. Key ids are hashes of the keys, which are never in the log. */
export const masterKeyRotated = eventType({
  type: 'MasterKeyRotated',
  version: 1,
  categories: ['masterkey'],
  summary: 'All data keys were wrapped anew under another master key; no value was touched',
  schema: z.object({ from: z.string(), to: z.string(), rewrapped: z.int().min(0), at: z.string() }),
})
