import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import type { HttpAccess, RunningProgram } from '../../domain/instance/runtime.ts'
import { never } from '../process/testing/launch.ts'
import { cutOffLine } from './testing/cut-off-line.ts'
import { engineInstalled, IMAGE, startEngine, type TestEngine } from './testing/engine.ts'
import { echo, eventually, script, setUp } from './testing/runtime.ts'

const http: HttpAccess = { transport: 'STREAMABLE_HTTP', port: 3000, path: '/mcp', headers: {}, allowLinkLocal: false }
const listening = (answer: string) =>
  script(`require('http').createServer((_, r) => r.end('${answer} ' + process.env.WHO)).listen(3000)`)
const ask = async ({ address }: RunningProgram): Promise<string> =>
  (await fetch(`http://${address?.host}:${address?.port}/`)).text()

describe.skipIf(!engineInstalled())('containers', { timeout: 60_000 }, () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await startEngine()
  })
  afterAll(() => engine.remove())

  describe('a server of HTTP', () => {
    it('has started when its port accepts connections, on the loopback address of this machine', async () => {
      const { start, logged } = await setUp(engine)
      const program = { kind: 'image', image: IMAGE, args: ['streamableHttp'] } as const
      const { running } = await start(program, { http, env: { PORT: '3000' } })
      expect(running.address?.host).toBe('127.0.0.1')
      const answer = await fetch(`http://127.0.0.1:${running.address?.port}/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
        }),
      })
      expect(await answer.text()).toContain('"serverInfo"')
      expect(await logged('stderr')).toContainEqual(expect.stringContaining('listening on port 3000'))
      expect(running.send('{}')).toBe(false)
      await running.stop({ graceMs: 20_000 })
    })

    it('that ends before it listens says why, and nobody waits for the deadline', async () => {
      const { start, containers } = await setUp(engine)
      const program = script('console.error("no key"); process.exit(3)')
      await expect(start(program, { http })).rejects.toThrow(
        'The program ended before it listened on port 3000. The program ended by itself with exit code 3. Its last lines on stderr:\nno key',
      )
      expect(await containers()).toEqual([])
    })

    it('that never listens is ended at the deadline', async () => {
      const { start, containers } = await setUp(engine, { portMs: 1_000 })
      const program = script('console.error("thinking"); require("http").createServer().listen(3000, "127.0.0.1")')
      await expect(start(program, { http })).rejects.toThrow(
        /did not listen on port 3000.* within 1 seconds.*\nthinking/s,
      )
      expect(await containers()).toEqual([])
    })

    it('on a network of its own is reached there, too; without one it cannot be', async () => {
      const network = await engine.docker.createNetwork({ Name: 'mcpctl-test', Internal: true })
      onTestFinished(() => network.remove())
      const { start } = await setUp(engine)
      const inside = { ...listening('inside'), network: 'mcpctl-test' }
      const { running } = await start(inside, { http, env: { WHO: 'x' } })
      expect(await ask(running)).toBe('inside x')
      await running.stop({ graceMs: 0 })
      await expect(start({ ...inside, network: 'none' }, { http })).rejects.toThrow('its network publishes no ports')
    })
  })

  describe('that a killed mcpd left running', () => {
    it('are used again where they speak HTTP and are what would be started', async () => {
      const { start, open, launch, containers, logged } = await setUp(engine)
      const more = { http, env: { WHO: 'one' } }
      const { running } = await start(listening('hello'), more)
      const again = await open().start(launch(listening('hello'), more), never)
      expect(again.details.container).toBe(running.details.container)
      expect(await ask(again)).toBe('hello one')
      expect(await containers()).toHaveLength(1)
      expect(await logged('mcpd')).toContainEqual(expect.stringContaining('of before the restart of mcpd goes on'))
      await again.stop({ graceMs: 0 })
      expect(await containers()).toEqual([])
    })

    it.each([
      ['a program', listening('other'), 'one', 'other one'],
      ['a value in its environment', listening('hello'), 'two', 'hello two'],
    ])('are replaced where %s is another', async (_, program, WHO, answer) => {
      const { start, open, launch, containers } = await setUp(engine)
      const { running } = await start(listening('hello'), { http, env: { WHO: 'one' } })
      const again = await open().start(launch(program, { http, env: { WHO } }), never)
      expect(again.details.container).not.toBe(running.details.container)
      expect(await ask(again)).toBe(answer)
      expect(await containers()).toHaveLength(1)
    })

    it('are removed at once where they speak on stdin', async () => {
      const { start, open, containers } = await setUp(engine)
      const { running } = await start(echo)
      open()
      await running.exited
      await vi.waitFor(async () => expect(await containers()).toEqual([]), eventually)
    })

    it('are removed where they speak HTTP and nobody asks for them', async () => {
      const { start, open, containers } = await setUp(engine, { adoptMs: 300 })
      const { running } = await start(listening('hello'), { http })
      open()
      await running.exited
      await vi.waitFor(async () => expect(await containers()).toEqual([]), eventually)
    })

    it('are not touched where they are of another mcpd, or of nobody', async () => {
      const other = await setUp(engine)
      const { running } = await other.start(echo)
      const nobodys = await engine.docker.createContainer({ Image: IMAGE, Labels: { 'io.mcpctl.managed': 'true' } })
      const { start, runtime, containers } = await setUp(engine, { adoptMs: 0 })
      await start(echo)
      await runtime.close()
      expect(await containers()).toEqual([])
      expect((await nobodys.inspect()).State.Status).toBe('created')
      expect(running.send('{}')).toBe(true)
      expect(await other.containers()).toHaveLength(1)
      await nobodys.remove()
    })
  })

  describe('and their engine', () => {
    it('that is away fails the start with where it was looked for', async () => {
      const { start, logged } = await setUp(engine, { socketPath: '/nowhere/docker.sock' })
      const reason = 'The container engine at /nowhere/docker.sock cannot be reached'
      await expect(start(echo)).rejects.toMatchObject({
        code: 'instance-start-failed',
        message: expect.stringContaining(reason),
      })
      expect(await logged('mcpd')).toContainEqual(expect.stringContaining('DOCKER_HOST'))
    })

    it('that is restarted ends them; they can be started again, and none stays', async () => {
      const { start, containers } = await setUp(engine)
      const { running } = await start(echo)
      await engine.stop()
      expect((await running.exited).reason).toContain('The program was ended by SIG')
      await expect(start(echo)).rejects.toThrow('cannot be reached')
      await engine.start()
      const again = await start(echo)
      again.running.send('{"id":2}')
      await vi.waitFor(() => expect(again.received).toEqual(['{"id":2}']), eventually)
      expect(await containers()).toHaveLength(1)
    })

    it('that is lost while they run ends them, too; the next start replaces the one that went on', async () => {
      const line = await cutOffLine(engine.socket)
      const { start, containers } = await setUp(engine, { socketPath: line.socket })
      const { running } = await start(listening('hello'), { http, env: { WHO: 'one' } })
      await line.cut()
      expect((await running.exited).reason).toMatch(/The connection to the container was lost: .* cannot be reached/)
      expect(await containers()).toMatchObject([{ State: 'running' }])
      await line.mend()
      await start(echo)
      expect(await containers()).toHaveLength(1)
    })
  })
})
