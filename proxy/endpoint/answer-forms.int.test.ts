import { expect, it, vi } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { openSession, post, startDemo } from '../testing/local.ts'
import { readResponse } from '../testing/raw-stream.ts'

it.each([
  ['application/json, text/event-stream', 'application/json'],
  ['text/event-stream, application/json', 'text/event-stream'],
  ['text/event-stream', 'text/event-stream'],
])('who accepts %j gets %s when the answer is all there is', async (accept, form) => {
  const local = await startDemo([new FakeServer('a').tools('t')])
  const url = local.endpoint('demo')
  const headers = { ...(await openSession(url)), Accept: accept }
  const answer = await post(url, { jsonrpc: '2.0', id: 7, method: 'tools/list' }, headers)
  expect(answer.headers.get('content-type')).toBe(form)
  expect(await answer.text()).toContain('"name":"a__t"')
})

it('who would rather have a stream has it before the answer, and can come back to it', async () => {
  const finish = { call: (): void => {} }
  const slow = new FakeServer('a').tools('t').on('tools/call', async () => {
    await new Promise<void>((resolve) => {
      finish.call = resolve
    })
    return { text: 'done' }
  })
  // Nothing is primed for being long in coming here.
  const local = await startDemo([slow], {}, { limits: { primeMs: 60_000, heartbeatMs: 60_000 } })
  const url = local.endpoint('demo')
  const headers = { ...(await openSession(url)), Accept: 'text/event-stream, application/json' }
  const stop = new AbortController()
  const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'a__t' } }
  const stream = readResponse(await post(url, call, headers, stop.signal), stop)
  await vi.waitFor(() => expect(stream.events()).toMatchObject([{ data: '' }]))
  expect(stream.lastId()).not.toBe('')
  finish.call()
  await vi.waitFor(() => expect(stream.messages()).toMatchObject([{ id: 7, result: { text: 'done' } }]))
})
