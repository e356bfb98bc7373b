import { expect, it } from 'vitest'
import { FakeServer } from '../testing/fake-server.ts'
import { openSession, post, startDemo } from '../testing/local.ts'

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
