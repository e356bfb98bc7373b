import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { coded, codeOf } from '../../domain/kernel/errors.ts'
import type { HttpDeps } from './deps.ts'
import { leaves } from './leaving.ts'

/** Marks a request that one mcpd makes of another for its client. */
export const RELAYED_HEADER = 'x-mcpctl-relayed'

/** 503: what was asked for is with the instances, and nobody runs them at this moment. */
export const instancesElsewhere = coded(
  'instances-elsewhere',
  503,
  'Another mcpd runs the servers, and cannot be asked now',
  (why: string) => ({
    message: `the servers run in another mcpd: ${why}`,
    hint: 'Try again in a moment. Each mcpd must reach the others at their MCPD_ADVERTISE_URL',
    retryAfter: 5,
  }),
)

/** 502: it was passed on, and whether it was done is not known. */
const relayBroken = coded(
  'relay-broken',
  502,
  'The mcpd that runs the servers was asked, and did not answer to the end',
  (why: string) => ({
    message: `the mcpd that runs the servers was asked and did not answer: ${why}`,
    hint: 'What was asked for may have been done: look before it is asked again',
  }),
)

/** Nobody was reached: nothing was done. */
const NOT_REACHED: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH'])

/** Whether another mcpd asks for its client: such a request is never passed on again. */
export const isRelayed = (request: FastifyRequest): boolean => request.headers[RELAYED_HEADER] !== undefined

/**
 * Has the mcpd that runs the instances answer, with the caller's own bearer.
 * @returns false when that is this mcpd. @throws InstancesElsewhere, RelayBroken
 */
export const relayed = async (
  deps: Pick<HttpDeps, 'instancesAt'>,
  request: FastifyRequest,
  reply: FastifyReply,
  ending: AbortSignal,
): Promise<boolean> => {
  const place = deps.instancesAt()
  if (place === 'here') return false
  if (place === 'nowhere' || isRelayed(request)) throw instancesElsewhere('they are just moving')
  const { method, body } = request
  const isRead = method === 'GET'
  const answer = await fetch(new URL(request.url, place.url), {
    method,
    headers: {
      authorization: request.headers.authorization ?? '',
      [RELAYED_HEADER]: '1',
      ...(isRead ? {} : { 'content-type': 'application/json' }),
    },
    ...(isRead ? {} : { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: leaves(reply.raw, ending),
  }).catch((error: unknown) => {
    const why = `${place.url} does not answer (${causeOf(error)})`
    throw isRead || NOT_REACHED.has(causeCode(error)) ? instancesElsewhere(why) : relayBroken(why)
  })
  reply.code(answer.status).type(answer.headers.get('content-type') ?? 'application/octet-stream')
  // The two declarations of a web stream, of Node and of the DOM, are one and the same thing at run time.
  await reply.send(answer.body === null ? '' : Readable.fromWeb(answer.body as ReadableStream))
  return true
}

const causeCode = (error: unknown): unknown => codeOf(error instanceof Error ? (error.cause ?? error) : error)

/** fetch says "fetch failed" and keeps what happened in its cause. */
const causeOf = (error: unknown): string => {
  const cause = error instanceof Error ? (error.cause ?? error) : error
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}
