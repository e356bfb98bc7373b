import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Exit, Launch } from '../../domain/instance/runtime.ts'
import { CodedError } from '../../domain/kernel/errors.ts'
import { createTestMcpd, projectWith, scripted, type TestMcpd } from './testing/mcpd.ts'
import { answered } from './testing/test-session.ts'

const FINALLY = { timeout: 5000, interval: 5 }

describe('the instance host', () => {
  let mcpd: TestMcpd
  let exits: { instance: string; exit: Exit }[]

  beforeEach(() => {
    mcpd = createTestMcpd(projectWith('scripted'), 1000)
    exits = []
    mcpd.host.onExit((instance, exit) => exits.push({ instance, exit }))
  })
  afterEach(() => mcpd.close())

  /** The error of a start that must fail and leave nothing running. */
  const failure = async (launch: Launch): Promise<CodedError> => {
    const error = await mcpd.start(launch).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    if (!(error instanceof CodedError)) throw new Error(`not a coded error: ${error}`)
    expect(error.code).toBe('instance-start-failed')
    expect(mcpd.runtime.children.size).toBe(0)
    expect(mcpd.host.connection(launch.instance)).toBeUndefined()
    return error
  }

  it('starts a program and initialises MCP with it', async () => {
    const { details } = await mcpd.host.start(scripted('i1'), { signal: new AbortController().signal })
    expect(details).toMatchObject({
      pid: expect.any(Number),
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'scripted', version: '1' },
      capabilities: ['tools', 'resources', 'logging'],
    })
    expect(mcpd.host.isRunning('i1')).toBe(true)
  })

  it('does not start twice what runs or starts already', async () => {
    await Promise.all([mcpd.start(scripted('i1')), mcpd.start(scripted('i1'))])
    await mcpd.start(scripted('i1'))
    expect(mcpd.runtime.children.size).toBe(1)
  })

  it('takes a server that prints a banner first, and one of an old revision', async () => {
    await mcpd.start(scripted('i1', ['--banner', '--version=2024-11-05']))
    expect(mcpd.runtime.logs.get('i1')).toEqual([
      'stdout: Welcome to the server!',
      'stdout: {"level":"info"}',
      'stdout: 42',
    ])
  })

  it('says what a program wrote on stderr that ended at once', async () => {
    const { message, details } = await failure(scripted('i1', ['--crash']))
    expect(message).toBe('it exited with code 3; cannot open the database')
    expect(details.exited).toBe(true)
  })

  it('says what a program printed instead of an answer', async () => {
    const { message, details } = await failure(scripted('i1', ['--rubbish']))
    expect(message).toBe(
      'it did not answer initialize within 1 s; on stdout it printed what is no JSON-RPC: "Welcome to the server!", "{\\"level\\":\\"info\\"}", "42"',
    )
    expect(details.hint).toContain('STDIO')
  })

  it('gives up on a program that never answers', async () => {
    const { message, details } = await failure(scripted('i1', ['--mute']))
    expect(message).toBe('it did not answer initialize within 1 s')
    expect(details.exited).toBeUndefined()
  })

  it('keeps secret values out of the reason', async () => {
    const { message } = await failure(scripted('i1', ['--refuse'], { TOKEN: 'hunter2-hunter2' }))
    expect(message).toBe('it refused initialize: no, [redacted] (-32602)')
  })

  it('keeps half a secret out of it, too, where a printed line is cut', async () => {
    const { message } = await failure(scripted('i1', ['--leak', '--mute'], { TOKEN: 'hunter2-hunter2' }))
    expect(message).toContain('xxx[redacted]')
    expect(message).not.toContain('hunter')
  })

  it('refuses a revision that it does not know', async () => {
    expect((await failure(scripted('i1', ['--version=1999-01-01']))).message).toContain('"1999-01-01"')
  })

  it.each(['--long', '--deep'])(
    'refuses an answer to initialize that would be too much for the clients: %s',
    async (flag) => {
      expect((await failure(scripted('i1', [flag]))).message).toBe(
        'its answer to initialize is longer than 1 MiB or nested deeper than 100',
      )
    },
  )

  it('stops a program whose start is cancelled', async () => {
    const abort = new AbortController()
    const started = mcpd.host.start(scripted('i1', ['--mute']), { signal: abort.signal })
    await vi.waitFor(() => expect(mcpd.runtime.children.size).toBe(1), FINALLY)
    abort.abort()
    await expect(started).rejects.toMatchObject({ message: 'the start was cancelled' })
    expect(mcpd.runtime.children.size).toBe(0)
  })

  it('stops what is only starting', async () => {
    const started = mcpd.start(scripted('i1', ['--mute'])).catch((error: unknown) => error)
    await mcpd.host.stop('i1')
    expect(await started).toBeInstanceOf(CodedError)
    expect(mcpd.runtime.children.size).toBe(0)
  })

  it('reports the end of a program that ended by itself, once', async () => {
    await mcpd.start(scripted('i1'))
    await mcpd.connect().call(1, 'die')
    await vi.waitFor(() => expect(exits).toHaveLength(1), FINALLY)
    expect(exits[0]).toMatchObject({ instance: 'i1', exit: { code: 7 } })
    expect(mcpd.host.isRunning('i1')).toBe(false)
  })

  it('does not report the end of one that it stopped, and lets go of it at once', async () => {
    await mcpd.start(scripted('i1'))
    const stopped = mcpd.host.stop('i1')
    expect(mcpd.host.isRunning('i1')).toBe(false)
    await stopped
    expect([exits.length, mcpd.runtime.children.size]).toEqual([0, 0])
    await mcpd.host.stop('i1')
    await mcpd.host.stop('never heard of')
  })

  it('starts an instance again only after its last run has ended', async () => {
    await mcpd.start(scripted('i1'))
    const stopped = mcpd.host.stop('i1')
    await mcpd.start(scripted('i1'))
    await stopped
    expect(mcpd.runtime.children.size).toBe(1)
    expect(answered(await mcpd.connect().call(1, 'echo', { message: 'again' }))).toBe('again')
  })

  it('stops everything when it closes, and starts nothing afterwards', async () => {
    await mcpd.start(scripted('i1'))
    await mcpd.start(scripted('i2'))
    await mcpd.host.close()
    expect(mcpd.runtime.children.size).toBe(0)
    await expect(mcpd.start(scripted('i3'))).rejects.toMatchObject({ code: 'instance-start-failed' })
  })
})
