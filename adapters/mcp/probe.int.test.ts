import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ProbeAnswer } from '../../domain/instance/host.ts'
import type { Launch } from '../../domain/instance/runtime.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { createTestMcpd, projectWith, scripted, type TestMcpd } from './testing/mcpd.ts'
import { answered, type TestSession } from './testing/test-session.ts'

const MISBEHAVING = fileURLToPath(new URL('../../tests/testing/misbehaving-server.mjs', import.meta.url))
const signal = new AbortController().signal

const misbehaving = (instance: string, args: readonly string[] = [], env: Record<string, string> = {}): Launch => ({
  instance,
  server: 'misbehaving',
  program: { kind: 'command', command: process.execPath, args: [MISBEHAVING, ...args] },
  env,
})

let mcpd: TestMcpd
beforeEach(() => {
  mcpd = createTestMcpd(projectWith('misbehaving'))
})
afterEach(() => mcpd.close())

const probe = (method: string, params: JsonObject = {}, timeoutMs = 10_000): Promise<ProbeAnswer> =>
  mcpd.host.probe('i1', { method, params, timeoutMs, signal })

describe('a probe', () => {
  it('is answered with what the server says', async () => {
    await mcpd.start(misbehaving('i1'))
    expect(await probe('tools/list')).toMatchObject({ ok: true, result: { tools: [{ name: 'check' }] } })
    expect(await probe('tools/call', { name: 'check' })).toMatchObject({ ok: true })
  })

  it.each([
    ['a result that is an error', 'isError', 'isError: the database is away'],
    ['a JSON-RPC error', 'rpc-error', 'the database is away (-32000)'],
  ])('fails with %s', async (_what, check, reason) => {
    await mcpd.start(misbehaving('i1', [`--check=${check}`]))
    expect(await probe('tools/call', { name: 'check' })).toMatchObject({ ok: false, reason })
  })

  it('has the result, too, when that says itself that it is an error', async () => {
    await mcpd.start(misbehaving('i1', ['--check=isError']))
    expect(await probe('tools/call', { name: 'check' })).toMatchObject({ result: { isError: true } })
  })

  it('keeps what is secret out of a result that is to be shown, and only there', async () => {
    await mcpd.start(misbehaving('i1', ['--check=isError'], { WHY: 'hunter2-hunter2' }))
    const signal = AbortSignal.timeout(10_000)
    const check = { method: 'tools/call', params: { name: 'check' }, timeoutMs: 10_000, signal }
    const text = (value: string) => ({ result: { content: [{ type: 'text', text: value }] } })
    expect(await mcpd.host.probe('i1', check)).toMatchObject(text('hunter2-hunter2'))
    expect(await mcpd.host.probe('i1', { ...check, shown: true })).toMatchObject(text('[redacted]'))
  })

  it('fails at its deadline, and the server may go on', async () => {
    await mcpd.start(misbehaving('i1', ['--hangs=tools/list']))
    expect(await probe('tools/list', {}, 50)).toEqual({ ok: false, reason: 'no answer within 0.05 s' })
    expect(await probe('tools/call', { name: 'check' })).toMatchObject({ ok: true })
  })

  it('keeps what is secret out of its reason', async () => {
    await mcpd.start(misbehaving('i1', ['--check=isError'], { WHY: 'hunter2-hunter2' }))
    expect(await probe('tools/call', { name: 'check' })).toMatchObject({
      ok: false,
      reason: 'isError: [redacted]',
    })
  })

  it('reaches the server with a ping, too', async () => {
    await mcpd.start(misbehaving('i1', ['--no-tools', '--hangs=ping']))
    expect(await probe('ping', {}, 50)).toMatchObject({ ok: false })
  })

  it('fails where nothing runs', async () =>
    expect(await probe('ping')).toEqual({ ok: false, reason: 'it is not running' }))

  it('fails when the instance ends', async () => {
    await mcpd.start(misbehaving('i1', ['--hangs=tools/list', '--lives=300']))
    expect(await probe('tools/list')).toMatchObject({
      ok: false,
      reason: expect.stringContaining('it exited with code 1'),
    })
  })

  it('is given up when the instance is stopped, which does not wait for it', async () => {
    await mcpd.start(misbehaving('i1', ['--hangs=tools/list']))
    const answer = probe('tools/list')
    await mcpd.host.stop('i1')
    expect(await answer).toEqual({ ok: false, reason: 'it is being stopped' })
  })

  it('is given up when nobody wants to know any more', async () => {
    await mcpd.start(misbehaving('i1', ['--hangs=tools/list']))
    const abort = new AbortController()
    const answer = mcpd.host.probe('i1', { method: 'tools/list', params: {}, timeoutMs: 60_000, signal: abort.signal })
    abort.abort()
    expect(await answer).toMatchObject({ ok: false })
  })

  it('counts as no client, and is no call that was made', async () => {
    await mcpd.start(misbehaving('i1', ['--hangs=tools/list']))
    const answer = probe('tools/list', {}, 200)
    expect(mcpd.host.connection('i1')?.sessions).toBe(0)
    await answer
    expect(mcpd.host.connection('i1')?.sessions).toBe(0)
    expect(mcpd.calls).toEqual([])
  })

  it('does not wait for the call of a client', async () => {
    await mcpd.start(scripted('i1'))
    const session = mcpd.connect('scripted')
    mcpd.topology.set(projectWith('scripted'))
    void session.call(1, 'never')
    expect(await probe('tools/list')).toMatchObject({ ok: true })
  })

  it('has not failed because this process stood still', async () => {
    await mcpd.start(misbehaving('i1'))
    const answer = probe('tools/list', {}, 200)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)
    expect(await answer).toMatchObject({ ok: true })
  })
})

describe('an instance that does not serve', () => {
  const which = async (session: TestSession, id: number): Promise<string> =>
    answered(await session.call(id, 'echo', { message: 'here' }))
  const instanceOf = (session: TestSession, id: number) => vi.waitFor(() => which(session, id))
  const lastInstance = () => mcpd.calls.at(-1)?.instance

  beforeEach(async () => {
    mcpd.topology.set(projectWith('scripted'))
    await mcpd.start(scripted('i1'))
    await mcpd.start(scripted('i2'))
  })

  it('gets no new sessions, keeps those that it has, and gets new ones when it serves again', async () => {
    const first = mcpd.connect('scripted')
    await instanceOf(first, 1)
    expect(lastInstance()).toBe('i1')
    mcpd.host.setServing('i1', false)
    for (const id of [2, 3, 4]) {
      await instanceOf(mcpd.connect('scripted'), id)
      expect(lastInstance()).toBe('i2')
    }
    await instanceOf(first, 5)
    expect(lastInstance()).toBe('i1')
    mcpd.host.setServing('i1', true)
    await instanceOf(mcpd.connect('scripted'), 6)
    expect(lastInstance()).toBe('i1')
  })

  it('serves all the same when no other does', async () => {
    mcpd.host.setServing('i1', false)
    mcpd.host.setServing('i2', false)
    await instanceOf(mcpd.connect('scripted'), 1)
    expect(lastInstance()).toBe('i1')
  })

  it('serves after its next start', async () => {
    mcpd.host.setServing('i1', false)
    await mcpd.host.stop('i1')
    await mcpd.start(scripted('i1'))
    expect(mcpd.host.connections('scripted').map(({ instance }) => instance)).toEqual(['i2', 'i1'])
  })
})
