import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { CodedError, coded, type FieldError } from '../../domain/kernel/errors.ts'
import { shownName } from '../../domain/kernel/schema-flaws.ts'
import { SchemaMismatch } from './schema-check.ts'

const showField = ({ path, message }: FieldError): string => (path === '' ? message : `${path}: ${message}`)

/** A path as it is repeated in a message: what may be a secret that got into it is not. */
const shownPath = (path: string): string => path.split('/').map(shownSegment).join('/')
const shownSegment = (segment: string): string => (/^(|api|v1|.*\.json)$/.test(segment) ? segment : shownName(segment))

/** Fastify's words for the parts of a request. */
const CONTEXTS: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'header' }

export const validationFailed = coded(
  'validation-failed',
  422,
  'The body is JSON but not what is asked for; `fields` says where',
  (fields: readonly FieldError[], hint?: string) => ({
    message: fields.map(showField).join('; '),
    fields,
    ...(hint === undefined ? {} : { hint }),
  }),
)
export const invalidRequest = coded(
  'invalid-request',
  400,
  'The path, the query, a header or the JSON itself is malformed',
  (message: string, fields: readonly FieldError[] = []) => ({ message, ...(fields.length === 0 ? {} : { fields }) }),
)
export const bodyTooLarge = coded('body-too-large', 413, 'The body is over 1 MiB', () => ({
  message: 'the body is over 1 MiB',
  hint: 'Split it into several resources',
}))
export const unsupportedMediaType = coded('unsupported-media-type', 415, 'The body is not JSON', (got: string) => ({
  message: `the content type ${got} is not supported`,
  hint: 'Send JSON with Content-Type: application/json',
}))
export const routeNotFound = coded('route-not-found', 404, 'There is no such path', (path: string) => ({
  message: `there is nothing at ${shownPath(path)}`,
  hint: 'GET /openapi.json lists every path',
}))
export const methodNotAllowed = coded(
  'method-not-allowed',
  405,
  'The path exists, but not with this method',
  (method: string, path: string, allow: readonly string[]) => ({
    message: `${method} is not possible at ${shownPath(path)}`,
    hint: `Possible: ${allow.join(', ')}`,
    allow,
  }),
)
export const internal = coded('internal', 500, 'A bug in mcpd; its log says more under the request id', () => ({
  message: 'something went wrong inside mcpd',
  hint: "mcpd's log says more under this request id",
}))
/** 503: a read at `minPosition` could not be served in time. */
export const readModelBehind = coded(
  'read-model-behind',
  503,
  'The read model has not reached the position that was asked for',
  (wanted: bigint) => ({
    message: `the read model has not reached position ${wanted} yet`,
    hint: '"mcpctl status" shows how far it is and why',
    retryAfter: 1,
  }),
)

/** Turns whatever was thrown into one of ours. What is not meant for users becomes `internal`, without its text. */
export const toCodedError = (error: unknown): CodedError => {
  if (error instanceof CodedError) return error
  if (error instanceof SchemaMismatch) {
    const { fields } = error
    if (error.validationContext === 'body') return validationFailed(fields)
    const where = CONTEXTS[error.validationContext ?? ''] ?? 'request'
    return invalidRequest(`the ${where} is not valid: ${fields.map(showField).join('; ')}`, fields)
  }
  const { code, statusCode, message } = error as Partial<FastifyError>
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return bodyTooLarge()
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return unsupportedMediaType(message?.split(':').at(-1)?.trim() ?? '')
  if (code === 'FST_ERR_BAD_URL') return invalidRequest('the path is not encoded as a URL should be')
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return invalidRequest('a part of the path is too long')
  if (code === 'FST_ERR_CTP_EMPTY_JSON_BODY') return invalidRequest('the body is empty, JSON was announced')
  if (error instanceof SyntaxError) return invalidRequest(`the body is not JSON: ${error.message}`)
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return invalidRequest(message ?? 'the request is not valid')
  return internal()
}

/** The RFC 9457 problem document of an error. */
export const problemOf = (error: CodedError, meaning: string, requestId: string): object => {
  const { hint, fields, retryAfter: _header, ...extras } = error.details
  return {
    type: `urn:mcpctl:error:${error.code}`,
    title: meaning,
    status: error.status,
    detail: error.message,
    code: error.code,
    ...(hint === undefined ? {} : { hint }),
    ...(fields === undefined ? {} : { fields }),
    requestId,
    ...extras,
  }
}

/** Answers with the problem document and the headers that go with it. */
export const sendProblem = (
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
  meanings: ReadonlyMap<string, string>,
): FastifyReply => {
  const error = toCodedError(thrown)
  if (error.details.retryAfter !== undefined) reply.header('retry-after', error.details.retryAfter)
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="mcpctl"')
  if (error.status === 426) reply.header('upgrade', 'websocket')
  if (error.code === methodNotAllowed.code) reply.header('allow', String(error.details.allow))
  return reply
    .code(error.status)
    .type('application/problem+json')
    .send(problemOf(error, meanings.get(error.code) ?? error.code, request.id))
}
