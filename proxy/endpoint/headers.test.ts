import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { acceptsOf } from './headers.ts'

const accepts = (accept: string | undefined) => acceptsOf({ headers: { accept } } as IncomingMessage)

describe('what a client takes', () => {
  it.each([
    ['application/json', true, false],
    ['text/event-stream', false, true],
    ['text/*;q=0, application/*', true, false],
    ['*/*', true, true],
    [undefined, true, true],
    ['text/html', false, false],
  ])('of %j: JSON %s, a stream %s', (accept, json, sse) => expect(accepts(accept)).toMatchObject({ json, sse }))

  it.each([
    ['application/json, text/event-stream', false],
    ['text/event-stream, application/json', true],
    ['text/event-stream;q=0.5, application/json', false],
    ['application/json;q=0.9, text/event-stream', true],
    ['text/event-stream', false],
    ['*/*', false],
  ])('of %j: rather a stream is %s', (accept, ratherSse) => expect(accepts(accept).ratherSse).toBe(ratherSse))
})
