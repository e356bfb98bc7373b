import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { HttpAccess } from '../../domain/instance/runtime.ts'
import { never } from './testing/launch.ts'
import { processesIn } from './testing/processes.ts'
import { script } from './testing/programs.ts'
import { eventually, pidOf, setUp } from './testing/runtime.ts'

const listenOnce = async (): Promise<{ port: number; close: () => Promise<void> }> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  return { port: (server.address() as AddressInfo).port, close }
}

/** A port that was free a moment ago. */
const freePort = async (): Promise<number> => {
  const { port, close } = await listenOnce()
  await close()
  return port
}

const at = (port: number): HttpAccess => ({
  transport: 'STREAMABLE_HTTP',
  port,
  path: '/mcp',
  headers: {},
  allowLinkLocal: false,
})

const serve = (port: number, host: string) =>
  script(`
    const server = require('http').createServer((_, response) => response.end('served'))
    server.listen(${port}, '${host}', () => console.log('listening'))
  `)

describe('a program that serves HTTP', { timeout: 20_000 }, () => {
  it.each(['127.0.0.1', '0.0.0.0', '::1'])('on %s has started when its port accepts connections', async (host) => {
    const { runtime, launch, logged } = await setUp()
    const port = await freePort()
    const running = await runtime.start(launch(serve(port, host), { http: at(port) }), never)
    expect(running.address).toEqual({ host: host === '::1' ? '::1' : '127.0.0.1', port })
    const url = host === '::1' ? `http://[::1]:${port}` : `http://127.0.0.1:${port}`
    expect(await (await fetch(url)).text()).toBe('served')
    await vi.waitFor(async () => expect(await logged('stdout')).toEqual(['listening']), eventually)
  })

  it('goes on when it closes its stdout, and ends by SIGTERM when it is stopped', async () => {
    const { runtime, launch } = await setUp()
    const port = await freePort()
    const program = script(`require('http').createServer().listen(${port}, '127.0.0.1'); fs.closeSync(1)`)
    const running = await runtime.start(launch(program, { http: at(port) }), never)
    await running.stop({ graceMs: 10_000 })
    expect(await running.exited).toEqual({ signal: 'SIGTERM', reason: 'The program was stopped.' })
  })

  it('is not started when somebody else has its port', async () => {
    const { runtime, launch, dataFolder } = await setUp()
    const { port, close } = await listenOnce()
    onTestFinished(close)
    const start = runtime.start(launch(serve(port, '127.0.0.1'), { http: at(port) }), never)
    await expect(start).rejects.toMatchObject({
      code: 'instance-start-failed',
      message: `Port ${port} is used by another program on this machine already.`,
    })
    expect(processesIn(dataFolder)).toEqual([])
  })

  it('is not started when another copy has its port, and is when that has ended', async () => {
    const { runtime, launch } = await setUp()
    const port = await freePort()
    const program = serve(port, '127.0.0.1')
    const first = await runtime.start(launch(program, { http: at(port) }), never)
    const second = () => runtime.start(launch(program, { http: at(port), instance: 'b' }), never)
    await expect(second()).rejects.toThrow(`Port ${port} is used by the instance a already.`)
    await first.stop({ graceMs: 5_000 })
    expect((await second()).address?.port).toBe(port)
  })

  it('that ends before it listens says why, and nobody waits for the deadline', async () => {
    const { runtime, launch } = await setUp()
    const port = await freePort()
    const start = runtime.start(launch(script('console.error("no key"); process.exit(3)'), { http: at(port) }), never)
    await expect(start).rejects.toThrow(
      `The program ended before it listened on port ${port}. The program ended by itself with exit code 3. Its last lines on stderr:\nno key`,
    )
  })

  it('that never listens is ended at the deadline', async () => {
    const { runtime, launch, dataFolder } = await setUp({ portDeadlineMs: 500 })
    const port = await freePort()
    const program = script('console.error("thinking"); setInterval(() => {}, 1000)')
    const start = runtime.start(launch(program, { http: at(port) }), never)
    await expect(start).rejects.toThrow(
      `The program did not listen on port ${port} within 0.5 seconds. Its last lines on stderr:\nthinking`,
    )
    expect(processesIn(dataFolder)).toEqual([])
  })

  it('is ended when its start is given up while it does not listen yet', async () => {
    const { runtime, launch, dataFolder } = await setUp()
    const abort = new AbortController()
    const program = script('setInterval(() => {}, 1000)')
    const start = runtime.start(launch(program, { http: at(await freePort()) }), { signal: abort.signal })
    start.catch(() => {}) // looked at below
    await vi.waitFor(() => expect(processesIn(dataFolder)).toHaveLength(1), eventually)
    abort.abort(new Error('given up'))
    await expect(start).rejects.toThrow('given up')
    expect(processesIn(dataFolder)).toEqual([])
  })
})

it('sessions of an instance run beside each other, in its folder, with its log', { timeout: 20_000 }, async () => {
  const { runtime, launch, logged } = await setUp()
  const program = script('console.error(process.cwd()); process.stdin.resume()')
  const session = (name: string) => runtime.start(launch(program, { session: name }), never)
  await runtime.start(launch(program), never)
  const [one, two] = [await session('s1'), await session('s2')]
  expect(pidOf(one)).not.toBe(pidOf(two))
  await expect(session('s1')).rejects.toThrow('a/s1 runs already')
  await expect(session('../x')).rejects.toThrow('is not a name for a session')
  await one.stop({ graceMs: 5_000 })
  await session('s1')
  const folders = async () => (await logged('stderr')).map((line) => line.replace(/ .*\/work\//, ' '))
  // Four starts, and the lines of all are there: no session has made the ones before it a former run.
  const all = ['[s1] a', '[s1] a', '[s2] a', expect.stringMatching(/work\/a$/)]
  await vi.waitFor(async () => expect((await folders()).sort()).toEqual(expect.arrayContaining(all)), eventually)
})
