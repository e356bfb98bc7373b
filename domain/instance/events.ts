import { z } from 'zod'
import { type EventOf, eventType } from '../kernel/event-type.ts'
import type { JsonObject } from '../kernel/json.ts'

const on = { version: 1, categories: ['instance'] } as const
const server = z.string()
const at = z.string()
const details = z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value))

export const instanceCreated = eventType({
  ...on,
  type: 'InstanceCreated',
  summary: 'The reconciler wants one more copy of a server, of the spec with this hash',
  schema: z.object({ server, serverUid: z.string(), specHash: z.string(), uid: z.string(), at }),
})
export const instanceStarting = eventType({
  ...on,
  type: 'InstanceStarting',
  summary: 'An attempt to start the copy began',
  schema: z.object({ server, attempt: z.int().min(1), at }),
})
export const instanceStarted = eventType({
  ...on,
  type: 'InstanceStarted',
  summary: 'The copy runs and has answered `initialize`',
  schema: z.object({ server, at, details }),
})
export const instanceStartFailed = eventType({
  ...on,
  type: 'InstanceStartFailed',
  summary: 'An attempt to start the copy failed; the next one is at `nextRetryAt`',
  schema: z.object({
    server,
    reason: z.string(),
    /** The program ran and ended before it could serve. */
    exited: z.boolean().optional(),
    attempt: z.int().min(1),
    at,
    nextRetryAt: z.string(),
  }),
})
export const instanceExited = eventType({
  ...on,
  type: 'InstanceExited',
  summary: 'The copy ended by itself; soon after its start that counts as a failed attempt',
  schema: z.object({
    server,
    reason: z.string(),
    code: z.int().optional(),
    signal: z.string().optional(),
    failures: z.int().min(0),
    at,
    nextRetryAt: z.string(),
  }),
})
export const instanceEndedUnhealthy = eventType({
  ...on,
  type: 'InstanceEndedUnhealthy',
  summary: 'mcpd ended the copy because its probes failed too often; it is started again in place',
  schema: z.object({ server, reason: z.string(), failures: z.int().min(0), at, nextRetryAt: z.string() }),
})
export const instanceHealthChanged = eventType({
  ...on,
  type: 'InstanceHealthChanged',
  summary: 'The copy runs, and its probes say something else of it than before',
  schema: z.object({
    server,
    health: z.enum(['healthy', 'degraded', 'unhealthy']),
    reason: z.string().optional(),
    at,
  }),
})
export const instanceInterrupted = eventType({
  ...on,
  type: 'InstanceInterrupted',
  summary: 'mcpd ended while the copy ran or started; it is started again in place',
  schema: z.object({ server, reason: z.string(), at }),
})
export const instanceRetryRequested = eventType({
  ...on,
  type: 'InstanceRetryRequested',
  summary: 'The next attempt is due at once, because what it failed on may be mended',
  schema: z.object({ server, reason: z.string(), at }),
})
export const instanceStopped = eventType({
  ...on,
  type: 'InstanceStopped',
  summary: 'The copy was stopped for good and is no longer wanted',
  schema: z.object({ server, reason: z.string(), at }),
})

export const instanceEvents = [
  instanceCreated,
  instanceStarting,
  instanceStarted,
  instanceStartFailed,
  instanceExited,
  instanceEndedUnhealthy,
  instanceHealthChanged,
  instanceInterrupted,
  instanceRetryRequested,
  instanceStopped,
] as const

export type InstanceEvent = EventOf<(typeof instanceEvents)[number]>
