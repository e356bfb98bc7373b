import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { MAX_STDIN_BUFFER } from '../../domain/instance/runtime.ts'
import { openProcessRuntime } from './process-runtime.ts'
import { never } from './testing/launch.ts'
import { isAlive } from './testing/processes.ts'
import { echo, forking, script, stubborn } from './testing/programs.ts'
import { eventually, pidOf, setUp } from './testing/runtime.ts'

describe('a running program', { timeout: 20_000 }, () => {
  it('answers line by line', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(echo)
    expect(running.send('{"id":1}')).toBe(true)
    expect(running.send('{"text":"ümläut 🎉"}')).toBe(true)
    await vi.waitFor(() => expect(lines).toEqual(['{"id":1}', '{"text":"ümläut 🎉"}']), eventually)
  })

  it('takes and gives a message of 20 MB', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(echo)
    const message = JSON.stringify({ text: 'ü'.repeat(10_000_000) })
    expect(running.send(message)).toBe(true)
    await vi.waitFor(() => expect(lines).toHaveLength(1), eventually)
    expect(lines[0] === message).toBe(true)
  })

  it('gets the declared environment, PATH and HOME, and nothing else', async () => {
    const { start } = await setUp({ environment: { PATH: process.env.PATH, HOME: '/home/x', OTHER: 'no' } })
    const { lines } = await start(script('console.log(JSON.stringify(process.env))'), { env: { TOKEN: 't' } })
    await vi.waitFor(() => expect(lines).toHaveLength(1), eventually)
    expect(JSON.parse(lines[0] ?? '')).toEqual({ PATH: process.env.PATH, HOME: '/home/x', TOKEN: 't' })
  })

  it('works in a folder of its own', async () => {
    const { start, dataFolder } = await setUp()
    const { lines } = await start(script('console.log(process.cwd())'))
    await vi.waitFor(() => expect(lines).toEqual([join(dataFolder, 'work', 'a')]), eventually)
  })

  it('leads a process group of its own', async () => {
    const { start } = await setUp()
    const { running } = await start(echo)
    expect(() => process.kill(-pidOf(running), 0)).not.toThrow()
  })

  it('delivers what it printed before anybody listened', async () => {
    const { runtime, launch } = await setUp()
    const running = await runtime.start(
      launch(script('console.error(1); console.log("early"); process.stdin.resume()')),
      never,
    )
    const onStderr = async () => {
      for await (const { source } of runtime.logs.read('a')) if (source === 'stderr') return true
      return false
    }
    await vi.waitFor(async () => expect(await onStderr()).toBe(true), eventually)
    const lines: string[] = []
    running.onLine((line) => lines.push(line))
    await vi.waitFor(() => expect(lines).toEqual(['early']), eventually)
  })

  it('that does not read is refused more than the buffer holds', async () => {
    const { start } = await setUp()
    const { running } = await start(stubborn)
    const message = 'x'.repeat(1024 * 1024)
    let sent = 0
    while (running.send(message) && sent < 100) sent++
    expect(sent * message.length).toBeGreaterThanOrEqual(MAX_STDIN_BUFFER)
    expect(sent * message.length).toBeLessThan(2 * MAX_STDIN_BUFFER)
    await running.stop({ graceMs: 0 })
  })

  it('is ended when a line grows too long', async () => {
    const { start, logged } = await setUp({ maxLine: 1_000 })
    const { running, lines } = await start(
      script('console.log("ok"); console.log("x".repeat(5000)); setInterval(()=>{}, 1000)'),
    )
    expect((await running.exited).reason).toContain('a line longer than 1000 bytes on stdout')
    expect(lines).toEqual(['ok'])
    expect(await logged('mcpd')).toContainEqual(expect.stringContaining('longer than 1000 bytes'))
  })
})

describe('the end of a program', { timeout: 20_000 }, () => {
  it('is told with its exit code and last lines of stderr', async () => {
    const { start, logged } = await setUp()
    const { running } = await start(script('console.error("no such\\nconfig file"); process.exit(3)'))
    const reason = 'The program ended by itself with exit code 3. Its last lines on stderr:\nno such\nconfig file'
    expect(await running.exited).toEqual({ code: 3, reason })
    expect(await logged('stderr')).toEqual(['no such', 'config file'])
  })

  it('is told with the signal that ended it', async () => {
    const { start } = await setUp()
    const { running } = await start(stubborn)
    process.kill(pidOf(running), 'SIGKILL')
    expect(await running.exited).toMatchObject({
      signal: 'SIGKILL',
      reason: expect.stringContaining('ended by SIGKILL'),
    })
  })

  it('is brought about when it closes its stdout, for it can answer nobody then', async () => {
    const { start } = await setUp()
    const { running } = await start(script('fs.closeSync(1); setInterval(() => {}, 1000)'))
    expect((await running.exited).reason).toContain('it closed its stdout and went on running')
  })

  it('comes after its last line, and half a line goes to the log', async () => {
    const { start, logged } = await setUp()
    const { running, lines } = await start(script('process.stdout.write("a\\n".repeat(5000) + "{half")'))
    await running.exited
    expect(lines).toHaveLength(5_000)
    expect(await logged('stdout')).toEqual(['{half [the output ended within this line]'])
  })

  it('puts what nobody listened to into the log', async () => {
    const { runtime, launch, logged } = await setUp()
    const running = await runtime.start(launch(script('console.log("rubbish")')), never)
    await running.exited
    expect(await logged('stdout')).toEqual(['rubbish'])
  })

  it('ends what it forked, too', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(forking)
    await vi.waitFor(() => expect(lines).toHaveLength(1), eventually)
    const forked = Number(lines[0])
    expect(isAlive(forked)).toBe(true)
    process.kill(pidOf(running), 'SIGKILL')
    await running.exited
    expect(isAlive(forked)).toBe(false)
  })

  it('comes by the end of its input when it is stopped', async () => {
    const { start } = await setUp()
    const { running } = await start(echo)
    await running.stop({ graceMs: 10_000 })
    expect(await running.exited).toEqual({ code: 0, reason: 'The program was stopped.' })
    expect(running.send('late')).toBe(false)
  })

  it('comes by SIGKILL when it ignores everything else', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(stubborn)
    await vi.waitFor(() => expect(lines).toEqual(['ready']), eventually)
    await running.stop({ graceMs: 200 })
    expect(await running.exited).toMatchObject({ signal: 'SIGKILL' })
    expect(isAlive(pidOf(running))).toBe(false)
  })

  it('leaves nothing it forked when it is stopped', async () => {
    const { start } = await setUp()
    const { running, lines } = await start(forking)
    await vi.waitFor(() => expect(lines).toHaveLength(1), eventually)
    await running.stop({ graceMs: 200 })
    expect(isAlive(Number(lines[0]))).toBe(false)
  })
})

describe('the runtime', { timeout: 20_000 }, () => {
  it('ends everything when it closes, and starts nothing more', async () => {
    const { runtime, launch } = await setUp()
    const programs = await Promise.all(
      ['a', 'b', 'c'].map((instance) => runtime.start(launch(echo, { instance }), never)),
    )
    const watcher = runtime.watcherPid ?? 0
    await runtime.close()
    expect([watcher, ...programs.map(pidOf)].filter(isAlive)).toEqual([])
    await expect(runtime.start(launch(echo), never)).rejects.toThrow('stopping')
  })

  it('tells of which instances a former one has left something', async () => {
    const { runtime, dataFolder, start } = await setUp()
    expect(runtime.found).toEqual([])
    const { running } = await start(echo)
    await runtime.close()
    await running.exited
    await mkdir(join(dataFolder, 'logs', 'only-logs'), { recursive: true })
    const next = await openProcessRuntime({ dataFolder })
    onTestFinished(() => next.close())
    expect(next.found).toEqual(['a', 'only-logs'])
  })

  it('starts a script by its first line, and says so when the interpreter is missing', async () => {
    const { start, dataFolder } = await setUp()
    const file = join(dataFolder, 'files', 'script')
    await mkdir(join(dataFolder, 'files'))
    await writeFile(file, '#!/bin/sh\necho hello\n', { mode: 0o755 })
    const { lines, running } = await start({ kind: 'command', command: file, args: [] })
    await running.exited
    expect(lines).toEqual(['hello'])
    await writeFile(file, '#!/no/such/shell\n', { mode: 0o755 })
    await expect(start({ kind: 'command', command: file, args: [] })).rejects.toThrow('or the interpreter')
  })
})
