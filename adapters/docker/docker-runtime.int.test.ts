import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { MAX_STDIN_BUFFER } from '../../domain/instance/runtime.ts'
import { never } from '../process/testing/launch.ts'
import { cutOffLine } from './testing/cut-off-line.ts'
import { engineInstalled, startEngine, type TestEngine } from './testing/engine.ts'
import { startRegistry } from './testing/registry.ts'
import { echo, eventually, script, server, setUp } from './testing/runtime.ts'

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}
const stays = 'setInterval(() => {}, 1000)'

describe.skipIf(!engineInstalled())('a program in a container', { timeout: 60_000 }, () => {
  let engine: TestEngine
  beforeAll(async () => {
    engine = await startEngine()
  })
  afterAll(() => engine.remove())

  it('of an image without a command is attached to as it is', async () => {
    const { start, logged } = await setUp(engine)
    const { running, received } = await start(server)
    expect(running.send(JSON.stringify(initialize))).toBe(true)
    await vi.waitFor(() => expect(received).toHaveLength(1), eventually)
    expect(JSON.parse(received[0] ?? '')).toMatchObject({ id: 1, result: { serverInfo: {} } })
    expect(await logged('stderr')).toContain('Starting default (STDIO) server...')
  })

  it('answers line by line', async () => {
    const { start } = await setUp(engine)
    const { running, received } = await start(echo)
    running.send('{"id":1}')
    running.send('{"text":"ümläut 🎉"}')
    await vi.waitFor(() => expect(received).toEqual(['{"id":1}', '{"text":"ümläut 🎉"}']), eventually)
  })

  it('takes and gives a message of 50 MB', async () => {
    const { start } = await setUp(engine)
    const { running, received } = await start(echo)
    const message = JSON.stringify({ text: 'x'.repeat(50_000_000) })
    expect(running.send(message)).toBe(true)
    await vi.waitFor(() => expect(received).toHaveLength(1), eventually)
    expect(received[0] === message).toBe(true)
  })

  it('has what it was given and nothing else: no rights, no writable files, no more than its limits', async () => {
    const { start, containers, instance } = await setUp(engine)
    const limits = { memoryBytes: 256 * 1024 * 1024, cpus: 0.5, openFiles: 512, processes: 64 }
    const { received } = await start(
      script(`
        const fs = require('fs')
        const tries = (path) => { try { fs.writeFileSync(path, 'x'); return true } catch (error) { return error.code } }
        const status = fs.readFileSync('/proc/self/status', 'utf8')
        const { TOKEN } = process.env
        console.log(JSON.stringify({
          TOKEN, tmp: tries('/tmp/x'), etc: tries('/x'),
          caps: /CapBnd:\\s*(\\w+)/.exec(status)[1], noNew: /NoNewPrivs:\\s*(\\d)/.exec(status)[1],
          files: /open files\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/limits', 'utf8'))[1],
        }))`),
      { env: { TOKEN: 'hunter2-hunter2' }, limits, secrets: ['hunter2-hunter2'] },
    )
    await vi.waitFor(() => expect(received).toHaveLength(1), eventually)
    expect(JSON.parse(received[0] ?? '')).toEqual({
      TOKEN: 'hunter2-hunter2',
      tmp: true,
      etc: 'EROFS',
      caps: '0000000000000000',
      noNew: '1',
      files: '512',
    })
    const [found] = await containers()
    const { HostConfig, Config } = await engine.docker.getContainer(found?.Id ?? '').inspect()
    expect(HostConfig).toMatchObject({
      Memory: limits.memoryBytes,
      MemorySwap: limits.memoryBytes,
      NanoCpus: 5e8,
      PidsLimit: 64,
      Init: true,
      LogConfig: { Type: 'none' },
    })
    expect(Config.Labels).toMatchObject({
      'io.mcpctl.managed': 'true',
      'io.mcpctl.server': 's',
      'io.mcpctl.instance': instance,
    })
    expect(JSON.stringify([found?.Names, found?.Labels, found?.Command])).not.toContain('hunter2')
  })

  it('is made without a value of its environment in what the engine logs', async () => {
    const line = await cutOffLine(engine.socket)
    const { start } = await setUp(engine, { socketPath: line.socket })
    await start(echo, { env: { TOKEN: 'hunter2-hunter2' }, secrets: ['hunter2-hunter2'] })
    expect(line.asked).toContainEqual(expect.stringContaining('/containers/create?name='))
    expect(line.asked.join()).not.toContain('hunter2')
  })

  it('can write its files where its server says so', async () => {
    const { start } = await setUp(engine)
    const program = { ...script('fs.writeFileSync("/x", ""); console.log("written")'), readOnlyRoot: false }
    const { received } = await start(program)
    await vi.waitFor(() => expect(received).toEqual(['written']), eventually)
  })

  it('that cannot write its files says what to do', async () => {
    const { start } = await setUp(engine)
    const { running } = await start(script('fs.writeFileSync("/cache", "")'))
    expect(await running.exited).toMatchObject({ code: 1, reason: expect.stringContaining('set readOnlyRoot: false') })
  })

  it('that uses more memory than its limit is ended, and the reason says so', async () => {
    const { start } = await setUp(engine)
    const { running } = await start(script('const all = []; for (;;) all.push(Buffer.alloc(8e6, 1))'), {
      limits: { memoryBytes: 96 * 1024 * 1024 },
    })
    expect(await running.exited).toMatchObject({
      signal: 'SIGKILL',
      reason: expect.stringContaining('more memory than its limit of 96 MiB'),
    })
  })

  it('is asked what it uses, with its sessions', async () => {
    const { start, runtime, instance } = await setUp(engine)
    expect(await runtime.usage?.(instance)).toBeUndefined()
    await start(script(`const kept = Buffer.alloc(64 * 1024 * 1024, 1); process.stdin.resume()`))
    const usage = async () => (await runtime.usage?.(instance))?.memoryBytes
    await vi.waitFor(async () => expect(await usage()).toBeGreaterThan(64 * 1024 * 1024), eventually)
    const { processes = 0, cpuMs } = (await runtime.usage?.(instance)) ?? {}
    expect(cpuMs).toBeGreaterThan(0)
    await start(echo, { session: 's1' })
    await vi.waitFor(async () => {
      expect((await runtime.usage?.(instance))?.processes).toBeGreaterThan(processes)
    }, eventually)
  })

  it('that does not read is refused more than the buffer holds', async () => {
    const { start } = await setUp(engine)
    const { running } = await start(script(stays))
    const message = 'x'.repeat(1024 * 1024)
    let sent = 0
    while (running.send(message) && sent < 100) {
      sent++
      await sleep(1)
    }
    expect(sent * message.length).toBeGreaterThanOrEqual(MAX_STDIN_BUFFER)
    expect(sent * message.length).toBeLessThan(4 * MAX_STDIN_BUFFER)
    await running.stop({ graceMs: 0 })
  })

  it('is ended when a line grows too long', async () => {
    const { start } = await setUp(engine, { maxLine: 1_000 })
    const { running, received } = await start(script(`console.log('ok'); console.log('x'.repeat(5000)); ${stays}`))
    expect((await running.exited).reason).toContain('a line longer than 1000 bytes on stdout')
    expect(received).toEqual(['ok'])
  })

  it('tells its exit code and last lines of stderr, leaves half a line and nothing else', async () => {
    const { start, logged, containers } = await setUp(engine)
    const { running } = await start(
      script('console.error("no such\\nfile of hunter2-hunter2"); process.stdout.write("{half"); process.exitCode = 3'),
      { secrets: ['hunter2-hunter2'] },
    )
    const reason =
      'The program ended by itself with exit code 3. Its last lines on stderr:\nno such\nfile of [redacted]'
    expect(await running.exited).toEqual({ code: 3, reason })
    expect(await logged('stderr')).toEqual(['no such', 'file of [redacted]'])
    expect(await logged('stdout')).toEqual(['{half [the output ended within this line]'])
    expect(await containers()).toEqual([])
  })

  it('that does not exist says so', async () => {
    const { start } = await setUp(engine)
    const { running } = await start({ ...script(''), command: '/bin/nonsense' })
    expect((await running.exited).reason).toContain('/bin/nonsense failed: No such file')
  })

  it('ends with its input when it is stopped', async () => {
    const { start, containers } = await setUp(engine)
    const { running } = await start(echo)
    await running.stop({ graceMs: 20_000 })
    expect(await running.exited).toEqual({ code: 0, reason: 'The program was stopped.' })
    expect(running.send('late')).toBe(false)
    expect(await containers()).toEqual([])
  })

  it('ends by SIGKILL when it ignores everything else', async () => {
    const { start, containers } = await setUp(engine)
    const { running, received } = await start(script(`process.on('SIGTERM', () => {}); console.log('ready'); ${stays}`))
    await vi.waitFor(() => expect(received).toEqual(['ready']), eventually)
    await running.stop({ graceMs: 200 })
    expect(await running.exited).toMatchObject({ signal: 'SIGKILL' })
    expect(await containers()).toEqual([])
  })

  it('runs once, and its sessions beside each other with lines of their own', async () => {
    const { start, logged } = await setUp(engine)
    await start(echo)
    await expect(start(echo)).rejects.toThrow('runs already')
    await start(script(`console.error('hello'); process.stdin.resume()`), { session: 's1' })
    await vi.waitFor(async () => expect(await logged('stderr')).toEqual(['[s1] hello']), eventually)
  })

  it('is not started where another has its name', async () => {
    const { runtime, launch, start, containers } = await setUp(engine)
    const { running } = await start(echo)
    const [found] = await containers()
    await running.stop({ graceMs: 5_000 })
    const name = found?.Names[0]?.slice(1) ?? ''
    const other = await engine.docker.createContainer({ name, Image: 'mcpctl.test/everything:1' })
    await expect(runtime.start(launch(echo), never)).rejects.toThrow('is not of this mcpd')
    expect((await other.inspect()).Name).toBe(`/${name}`)
    await other.remove()
  })

  describe('whose image is not there', () => {
    const credentials = { username: 'reader', password: 'hunter2-hunter2' }
    const image = (name: string, more = {}) => ({ kind: 'image' as const, image: name, args: [], ...more })

    it('is pulled once, with the credentials of its registry, and its log says so', async () => {
      const { host } = await startRegistry(credentials.password)
      const { start, logged } = await setUp(engine)
      const program = image(`${host}/small:1`, { credentials })
      const secrets = [credentials.password]
      // The image is empty, so its program cannot be started: it was pulled all the same.
      expect((await (await start(program, { secrets })).running.exited).reason).toContain('/none')
      expect(await logged('mcpd')).toContain(`pulling the image ${host}/small:1`)
      expect(await logged('mcpd')).toContainEqual(expect.stringContaining('Downloaded newer image'))
      expect(JSON.stringify(await logged())).not.toContain('hunter2')
      await (await start(program, { secrets })).running.exited
      expect(await logged('mcpd')).not.toContainEqual(expect.stringContaining('pulling'))
    })

    it('is refused with what is missing: credentials, the image, the registry', async () => {
      const { host } = await startRegistry(credentials.password)
      const { start } = await setUp(engine)
      const wrong = { ...credentials, password: 'wrong-wrong' }
      await expect(start(image(`${host}/small:1`))).rejects.toThrow('does not accept who asks')
      await expect(start(image(`${host}/small:1`, { credentials: wrong }))).rejects.toThrow('does not accept who asks')
      await expect(start(image(`${host}/small:2`, { credentials }))).rejects.toThrow('there is no such image')
      await expect(start(image('127.0.0.1:1/small:1'))).rejects.toThrow('the engine cannot reach its registry')
    })

    it('can be given up while it is pulled', async () => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1')
      onTestFinished(() => void silent.close())
      await once(silent, 'listening')
      const { runtime, launch, logged } = await setUp(engine)
      const { port } = silent.address() as AddressInfo
      const abort = new AbortController()
      const started = runtime.start(launch(image(`127.0.0.1:${port}/small:1`)), { signal: abort.signal })
      started.catch(() => {}) // looked at below
      await vi.waitFor(async () => expect(await logged('mcpd')).toHaveLength(1), eventually)
      abort.abort(new Error('given up'))
      await expect(started).rejects.toThrow('given up')
    })
  })
})
