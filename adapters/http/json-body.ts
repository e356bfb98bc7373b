import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { nestsDeeperThan } from '../../domain/kernel/json.ts'
import { invalidRequest } from './problem.ts'

/** Deepest JSON that is taken: what walks a body (a hash of it, a check of its texts) takes a stack frame a level. */
const MAX_DEPTH = 100

/**
 * Takes JSON bodies and nothing else. Fastify's own parser makes U+FFFD of bytes that are no UTF-8, so a value would be
 * kept that nobody has sent; and it takes `text/plain`, which then fails as JSON of the wrong form.
 */
export const jsonBodies = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body)) return done(invalidRequest('the body is not UTF-8'))
    const text = body.toString('utf8')
    if (nestsDeeperThan(text, MAX_DEPTH)) return done(invalidRequest(`the body is nested deeper than ${MAX_DEPTH}`))
    void parse(request, text, done) // it answers by `done`
  })
}
