import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { invalidRequest } from './problem.ts'

/** Deepest JSON that is taken: what walks a body (a hash of it, a check of its texts) takes a stack frame a level. */
export const MAX_BODY_DEPTH = 100

/**
 * Takes JSON bodies and nothing else. Fastify's own parser makes U+FFFD of bytes that are no UTF-8, so a value would be
 * kept that nobody has sent; and it takes `text/plain`, which then fails as JSON of the wrong form.
 */
export const jsonBodies = (app: FastifyInstance): void => {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser('text/plain')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body)) return done(invalidRequest('the body is not UTF-8'))
    if (nestsTooDeep(body)) return done(invalidRequest(`the body is nested deeper than ${MAX_BODY_DEPTH}`))
    void parse(request, body.toString('utf8'), done) // it answers by `done`
  })
}

/** Looks at bytes: quotes, backslashes and brackets are never part of a longer UTF-8 sequence. */
const nestsTooDeep = (body: Buffer): boolean => {
  let depth = 0
  let inString = false
  for (let i = 0; i < body.length; i += 1) {
    const byte = body[i]
    if (inString) {
      if (byte === 0x5c) i += 1
      else if (byte === 0x22) inString = false
    } else if (byte === 0x22) inString = true
    else if (byte === 0x5b || byte === 0x7b) {
      depth += 1
      if (depth > MAX_BODY_DEPTH) return true
    } else if (byte === 0x5d || byte === 0x7d) depth -= 1
  }
  return false
}
