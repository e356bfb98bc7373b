import { createHmac } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { CommandContext } from '../../commands/context.ts'
import { derivedUuid } from '../../commands/event-id.ts'
import type { NewId } from '../../domain/kernel/clock.ts'
import { bearerOf, identityOf } from './access.ts'

/** What every mutation takes beside its body. */
export const mutationQuery = z.strictObject({
  dryRun: z.enum(['true', 'false']).optional().describe('Decide and answer what would happen; write nothing'),
})

export const mutationHeaders = z.looseObject({
  'idempotency-key': z
    .string()
    .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 printable characters without spaces')
    .optional()
    .describe(
      'A repeated request has one effect. A key counts for the token and the resource it came with, for good: with another body, method or ' +
        'If-Match it is refused with 422 idempotency-key-reused; at another resource it is another request. What changed nothing is not kept',
    ),
  'if-match': z
    .string()
    .regex(/^"\d{1,19}"$/, 'must be an ETag as it was given, such as "12"')
    .optional()
    .describe('Refuse with 412 unless the spec is at this revision'),
  'if-none-match': z.never({ error: 'is not supported: POST creates only what is not there' }).optional(),
  prefer: z.string().max(200).optional().describe('respond-async: do not wait for the read model'),
})

export interface MutationRequest {
  readonly Querystring: z.output<typeof mutationQuery>
  readonly Headers: z.output<typeof mutationHeaders>
}

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

/** Builds the command's context from a request: who, and by what it is known again when it is repeated. A key counts for the token it came with. */
export const contextOf = (
  request: FastifyRequest<MutationRequest>,
  newId: NewId,
): CommandContext & { ifMatch?: bigint } => {
  const { actor } = identityOf(request)
  const bearer = bearerOf(request) ?? ''
  const key = request.headers['idempotency-key']
  const dryRun = request.query.dryRun === 'true'
  const traceparent = request.headers.traceparent
  const match = request.headers['if-match']
  const commandId = key === undefined ? newId() : derivedUuid('key', actor.tokenSha ?? '', key)
  return {
    actor,
    commandId,
    correlationId: commandId,
    causationId: commandId,
    isNew: key === undefined,
    dryRun,
    ...(key === undefined ? {} : { requestHash: hashOf(request, bearer) }),
    ...(typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {}),
    ...(match === undefined ? {} : { ifMatch: BigInt(match.slice(1, -1)) }),
  }
}

/**
 * What must be the same when an Idempotency-Key is used again. Keyed with the caller's token, which is in no log: a
 * plain hash of a body that holds a short secret could be guessed.
 */
const hashOf = (request: FastifyRequest, bearer: string): string =>
  createHmac('sha256', bearer)
    .update(JSON.stringify([request.method, pathOf(request), request.headers['if-match'] ?? '', request.body ?? null]))
    .digest('hex')

const pathOf = ({ url }: FastifyRequest): string => url.split('?', 1)[0] ?? url
