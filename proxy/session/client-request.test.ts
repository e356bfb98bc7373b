import { expect, it, vi } from 'vitest'
import { FakeServer, RpcProblem } from '../testing/fake-server.ts'
import { startSession } from '../testing/session.ts'

it('there is a record of every request, also of one that no server has seen, without what was asked and answered', async () => {
  const server = new FakeServer('a').tools('x', 'bad', 'denied')
  server.rules = { deny: ['denied'] }
  server.on('tools/call', ({ params }) => {
    if (params.name === 'bad') throw new RpcProblem(-32050, 'no')
    return params.name === 'x'
      ? { isError: true, content: [{ type: 'text', text: 'tell-tale' }] }
      : new Promise(() => {})
  })
  const { call, records, names, mcpd, session } = await startSession({ servers: [server] })
  await names()
  await call('a__x', { arguments: { secret: 'tell-tale' } })
  await call('a__bad')
  await call('a__denied')
  await call('y'.repeat(500))
  server.on('tools/call', () => new Promise(() => {}))
  const cancelled = call('a__x')
  session.receive({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'c7' } })
  await cancelled
  server.state = 'unavailable'
  mcpd.update('demo')
  await vi.waitFor(() => expect(session.view.server('a')?.state).toBe('unavailable'))
  await call('a__x')
  const calls = records.filter(({ method }) => method === 'tools/call')
  expect(calls.map(({ tool, server, outcome, code }) => [tool, server, outcome, code])).toEqual([
    ['a__x', 'a', 'tool-error', undefined],
    ['a__bad', 'a', 'error', undefined],
    ['a__denied', undefined, 'refused', 'unknown-tool'],
    ['y'.repeat(128), undefined, 'refused', 'unknown-tool'],
    ['a__x', 'a', 'cancelled', undefined],
    ['a__x', 'a', 'refused', 'server-unavailable'],
  ])
  expect(JSON.stringify(records)).not.toContain('tell-tale')
})
