import { z } from 'zod'
import type { KindDefinition } from '../../domain/kernel/kind.ts'
import { labels, resourceName } from '../../domain/kernel/name.ts'

/** Members of `metadata` that mcpd keeps: accepted, so that what was read can be sent back, and ignored. */
const SERVER_MANAGED = {
  uid: z.unknown(),
  revision: z.unknown(),
  position: z.unknown(),
  createdAt: z.unknown(),
  updatedAt: z.unknown(),
  createdBy: z.unknown(),
  updatedBy: z.unknown(),
}

const metadata = z.strictObject({
  name: resourceName,
  labels: labels.default({}),
  ...Object.fromEntries(Object.entries(SERVER_MANAGED).map(([key, schema]) => [key, schema.optional()])),
})

/** A manifest of a kind, as `apply` sends it. */
export const manifestOf = (kind: KindDefinition) =>
  z.strictObject({
    apiVersion: z.literal('mcpctl/v1').optional(),
    kind: z.literal(kind.kind).optional(),
    metadata,
    spec: kind.spec,
    status: z.unknown().optional(),
  })

const decimal = z.string().regex(/^\d{1,19}$/, 'must be a position: a decimal number')

export const nameParams = z.strictObject({ name: resourceName })

export const listQuery = z.strictObject({
  labelSelector: z.string().max(1000).optional().describe('kubectl syntax: a=b,c!=d,e in (x,y),!f'),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
  cursor: z.string().max(500).optional().describe('`nextCursor` of the page before'),
  minPosition: decimal.optional().describe('Wait until the read model is at least there'),
  changedAfter: decimal
    .optional()
    .describe('Long poll: answer when something of this kind changed after this position'),
  timeoutSeconds: z.coerce.number().int().min(1).max(30).default(25).describe('How long `changedAfter` waits'),
})

export const instanceListQuery = listQuery.extend({ server: resourceName.optional() })

export const getQuery = z.strictObject({ minPosition: decimal.optional() })

export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  cursor: z.string().max(500).optional(),
})

const metadataAnswer = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  uid: z.string(),
  revision: z.string(),
  position: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  createdBy: z.string(),
  updatedBy: z.string(),
})

const anyObject = z.record(z.string(), z.unknown())

/** What reading a resource answers. */
export const resourceAnswer = (kind: KindDefinition) =>
  z.object({
    apiVersion: z.literal('mcpctl/v1'),
    kind: z.literal(kind.kind),
    metadata: metadataAnswer,
    spec: anyObject,
    status: anyObject,
  })

export const listAnswer = (kind: KindDefinition) =>
  z.object({
    kind: z.literal(`${kind.kind}List`),
    items: z.array(resourceAnswer(kind)),
    asOf: z.string().describe('Position of the log that the list is a picture of'),
    nextCursor: z.string().optional(),
  })

const eventAnswer = z.object({
  stream: z.string(),
  revision: z.string(),
  position: z.string(),
  type: z.string(),
  at: z.string(),
  actor: anyObject.optional(),
  data: anyObject,
})

export const mutationAnswer = (kind: KindDefinition) =>
  z.object({
    outcome: z.enum(['created', 'configured', 'unchanged', 'deleted']),
    resource: resourceAnswer(kind).optional(),
    position: z.string().optional(),
    events: z.array(eventAnswer),
  })

export const eventsAnswer = z.object({ items: z.array(eventAnswer) })
export const historyAnswer = z.object({
  items: z.array(
    z.object({
      revision: z.string(),
      position: z.string(),
      at: z.string(),
      actor: anyObject,
      type: z.string(),
      labels: z.record(z.string(), z.string()).nullable(),
      spec: anyObject.nullable(),
    }),
  ),
  asOf: z.string(),
  nextCursor: z.string().optional(),
})
