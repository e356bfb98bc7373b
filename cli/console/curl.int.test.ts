import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { TrafficRecord } from '../../proxy/inspector/feed.ts'
import { BEARER } from '../../proxy/testing/fake-mcpd.ts'
import { FakeServer } from '../../proxy/testing/fake-server.ts'
import { startDemo } from '../../proxy/testing/local.ts'
import { curlScript, repeatable } from './curl.ts'

const entry = (record: Partial<TrafficRecord>) => ({
  record: {
    seq: 1,
    at: '',
    session: 's',
    side: 'client',
    direction: 'to-server',
    method: 'tools/call',
    id: 5,
    bytes: 1,
    ...record,
  } satisfies TrafficRecord,
  raw: '',
})

describe('what can be sent again', () => {
  it('is a request of a client, without the token of its progress', () => {
    const params = { name: 'x', arguments: { a: 1 }, _meta: { progressToken: 3 } }
    const message = { jsonrpc: '2.0', id: 5, method: 'tools/call', params } as const
    expect(repeatable(entry({ message }))).toEqual({
      method: 'tools/call',
      params: { name: 'x', arguments: { a: 1 } },
    })
    const kept = { ...message, params: { ...params, _meta: { progressToken: 3, 'my/key': 1 } } }
    expect(repeatable(entry({ message: kept }))).toMatchObject({ params: { _meta: { 'my/key': 1 } } })
  })

  it.each([
    [{ side: 'server' }, 'Only requests of clients can be repeated'],
    [{ direction: 'to-client' }, 'Only requests of clients can be repeated'],
    [{ method: 'initialize' }, 'A session is initialized once'],
    [{ cut: '{"jsonrpc' }, 'The message was too large to be shown whole'],
  ] as const)('is not %j', (record, why) => expect(repeatable(entry(record))).toBe(why))
})

const hasCurl = spawnSync('curl', ['--version']).status === 0

describe('as curl', () => {
  it('never holds the token, and nothing that a terminal would obey or hide', () => {
    const params = { text: "it's $HOME `x` \x1b[2J \u202e \u{e0041} \u009b\n" }
    const script = curlScript('http://127.0.0.1:1/projects/demo/mcp', { method: 'x', params })
    expect(script).toContain('$MCPCTL_TOKEN')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(script).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\u{e0041}]/u)
  })

  it.skipIf(!hasCurl)('asks the same again, whatever is in it', async () => {
    const server = new FakeServer('a').tools('x')
    const local = await startDemo([server])
    const text = `it's "$HOME" \`id\` \\ \u202e \u{e0041} \n ünï`
    const script = curlScript(local.endpoint('demo').href, {
      method: 'tools/call',
      params: { name: 'a__x', arguments: { text } },
    })
    const env = { ...process.env, MCPCTL_TOKEN: BEARER }
    const { stdout } = await promisify(execFile)('sh', ['-c', script], { env })
    expect(server.got.at(-1)?.params).toEqual({ name: 'x', arguments: { text } })
    expect(stdout).toContain('"result"')
    expect(local.local.sessions()).toBe(0)
  })

  it('says that a token is needed', async () => {
    const script = curlScript('http://127.0.0.1:1/x', { method: 'ping', params: undefined })
    const env = { PATH: process.env.PATH ?? '' }
    await expect(promisify(execFile)('sh', ['-c', script], { env })).rejects.toMatchObject({
      stderr: expect.stringContaining('MCPCTL_TOKEN'),
    })
  })
})
