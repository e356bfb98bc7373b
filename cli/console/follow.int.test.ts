import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BEARER, FakeMcpd } from '../../proxy/testing/fake-mcpd.ts'
import { FakeServer } from '../../proxy/testing/fake-server.ts'
import { type Local, startLocal } from '../../proxy/testing/local.ts'
import { World } from '../testing/world.ts'

let world = new World()
let local: Local
beforeEach(async () => {
  world = new World()
  await world.start()
  const server = new FakeServer('a').tools('x').on('tools/call', () => ({
    content: [{ type: 'text', text: 'no \x1b[2J file' }],
    isError: true,
  }))
  local = await startLocal(new FakeMcpd().project('demo', { servers: [server] }))
})
afterEach(async () => {
  await local.close()
  await world.stop()
})

/** `mcpctl console demo …` until Ctrl-C. */
const watching = (argv: readonly string[], token = BEARER) => {
  const stop = new AbortController()
  const seen = { out: '' }
  const env = { MCPCTL_MCPLOCAL: local.local.url, MCPCTL_TOKEN: token }
  const onOut = (text: string) => {
    seen.out += text
  }
  const ended = world.run(['console', 'demo', ...argv], { env, signal: stop.signal, onOut })
  return { seen, ended, stop }
}

/** Calls until the feed is open and shows one. */
const callsUntil = async (shown: () => boolean): Promise<void> => {
  // A connection to the mcplocal before may be used once more, in vain.
  const { client } = await vi.waitFor(() => local.client())
  await vi.waitFor(
    async () => {
      await client.callTool({ name: 'a__x' })
      expect(shown()).toBe(true)
    },
    { timeout: 10_000 },
  )
}

describe('console --traffic', () => {
  it('prints each message in a line, harmless, until Ctrl-C', async () => {
    const { seen, ended, stop } = watching(['--traffic'])
    await callsUntil(() => seen.out.includes('client ← failed result'))
    stop.abort()
    expect(await ended).toMatchObject({ code: 130, err: '' })
    expect(seen.out).toMatch(/^\d\d:\d\d:\d\d\.\d{3} \S{8} client → tools\/call a__x {2}\d+ B$/m)
    expect(seen.out).toMatch(/ a ← failed result of tools\/call: no \\x1b\[2J file {2}[\d.]+ ms {2}\d+ B$/m)
    expect(seen.out).not.toContain('\x1b')
  })

  it('prints records as JSON, only those that are wanted', async () => {
    const { seen, ended, stop } = watching(['--traffic', '-o', 'json', '--filter', 'errors side:server'])
    await callsUntil(() => seen.out.includes('\n'))
    stop.abort()
    await ended
    const records = seen.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(new Set(records.map(({ side, outcome }) => `${side} ${outcome}`))).toEqual(new Set(['server tool-error']))
    expect(records[0]).toMatchObject({ server: 'a', method: 'tools/call', message: { result: { isError: true } } })
  })

  it('waits for mcplocal when it goes away', async () => {
    const { seen, ended, stop } = watching(['--traffic'])
    await callsUntil(() => seen.out !== '')
    const { mcpd } = local
    const { port } = local.local
    await local.close()
    local = await startLocal(mcpd, { port })
    const before = seen.out.length
    await callsUntil(() => seen.out.length > before)
    stop.abort()
    expect((await ended).err).toMatch(/^mcplocal is stopping; waiting for it\nconnected again\n$/)
  })

  it('ends when the right to watch does, or was never there', async () => {
    const { seen, ended } = watching(['--traffic'])
    await callsUntil(() => seen.out !== '')
    local.mcpd.breakLinks({ code: 'revoked', reason: 'the token was revoked' })
    expect(await ended).toMatchObject({ code: 4, err: expect.stringContaining('the token was revoked') })
    expect(await watching(['--traffic'], 'wrong').ended).toMatchObject({
      code: 4,
      err: expect.stringContaining('mcpctl login'),
    })
  })
})

describe('console', () => {
  const run = (...argv: string[]) => world.run(['console', ...argv], { env: { MCPCTL_MCPLOCAL: local.local.url } })

  it('without a terminal names what works there', async () => {
    const { code, err } = await run('demo')
    expect(code).toBe(2)
    expect(err).toContain('the console needs a terminal')
    expect(err).toContain('mcpctl console demo --traffic')
    expect(err).toContain('mcpctl call demo')
  })

  it('takes its project either way, and only one', async () => {
    expect((await run()).err).toContain('which project?')
    expect((await run('one', '-p', 'two')).err).toContain('which project, "one" or "two"?')
    expect((await run('-p', 'demo')).err).toContain('needs a terminal')
    expect((await run('demo', '-o', 'json')).err).toContain('-o goes with --traffic')
  })
})
