import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FakeMcpd } from '../testing/fake-mcpd.ts'
import { FakeServer } from '../testing/fake-server.ts'
import { type Local, openSession, post, startLocal } from '../testing/local.ts'
import { startMcplocal } from './start.ts'

let running: Local
let url: URL
let session: Record<string, string>

beforeAll(async () => {
  const server = new FakeServer('a').tools('x')
  running = await startLocal(new FakeMcpd().project('demo', { servers: [server] }))
  url = running.endpoint('demo')
  session = await openSession(url)
})
afterAll(() => running.close())

describe('what is there for operators', () => {
  it('shows calls by project, server and outcome', async () => {
    await (await post(url, { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'a__x' } }, session)).json()
    const metrics = await (await fetch(`${running.local.url}/metrics`)).text()
    expect(metrics).toMatch(/mcplocal_sessions \d/)
    expect(metrics).toMatch(/mcplocal_calls_total\{project="demo",server="a",outcome="ok"\} \d/)
    expect(metrics).toContain('mcplocal_call_duration_seconds_bucket')
  })

  it('says why it is not ready', async () => {
    const reason = { why: 'mcpd is away' as string | undefined }
    const local = await startLocal(new FakeMcpd(), { notReady: () => reason.why })
    try {
      const away = await fetch(`${local.local.url}/readyz`)
      expect([away.status, await away.text()]).toEqual([503, 'mcpd is away\n'])
      reason.why = undefined
      expect((await fetch(`${local.local.url}/readyz`)).status).toBe(200)
    } finally {
      await local.close()
    }
  })

  it('says that a port is taken, and which', async () => {
    const { port } = running.local
    const again = startMcplocal({ host: '127.0.0.1', port, dialer: running.mcpd, logger: running.logger })
    await expect(again).rejects.toMatchObject({
      code: 'port-in-use',
      details: { port, hint: expect.stringContaining(String(port)) },
    })
  })
})
