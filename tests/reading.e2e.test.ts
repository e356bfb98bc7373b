import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { environmentOf } from './testing/daemon.ts'
import { MCPCTL, type System, startSystem } from './testing/system.ts'

// Finding out what servers do, with everything real: mcpctl, mcpd and the processes that it runs.

const SERVER = fileURLToPath(new URL('./testing/misbehaving-server.mjs', import.meta.url))
const SOON = { timeout: 30_000, interval: 100 }

let home: string
let system: System
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-reading-'))
  system = await startSystem(home)
}, 60_000)
afterAll(async () => {
  await system.kill('SIGTERM')
  await rm(home, { recursive: true, force: true })
})

const ran = async (...args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await system.mcpctl(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** Declares a server that says its words when it begins. */
const declare = async (name: string, words: string, more: object = {}): Promise<void> => {
  const say = 'echo "$WORDS" >&2; exec "$0" "$1"'
  const spec = {
    command: 'sh',
    args: ['-c', say, process.execPath, SERVER],
    env: [{ name: 'WORDS', value: words }],
    ...more,
  }
  const manifest = JSON.stringify({ kind: 'server', metadata: { name, labels: { test: 'reading' } }, spec })
  expect(await system.mcpctl(['apply', '-f', '-'], { stdin: manifest })).toMatchObject({ code: 0 })
}

const instancesOf = async (server: string): Promise<readonly string[]> => {
  const { items } = JSON.parse(await ran('get', 'instances', '--server', server, '-o', 'json'))
  return items
    .filter(({ status }: { status: { phase: string } }) => status.phase === 'running')
    .map(({ metadata }: { metadata: { name: string } }) => metadata.name)
}
const running = (server: string, count: number) =>
  vi.waitFor(async () => expect(await instancesOf(server)).toHaveLength(count), SOON)

/** mcpctl in the background; what it prints so far. */
const inBackground = (...args: readonly string[]): { readonly text: () => string; readonly child: ChildProcess } => {
  const child = spawn(process.execPath, [MCPCTL, ...args], {
    env: environmentOf(home),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => {
    text += String(chunk)
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return { text: () => text, child }
}

describe('the copies of a server', () => {
  beforeAll(async () => {
    await declare('two', 'first words', { replicas: 2 })
    await declare('one', 'other words')
    await running('two', 2)
    await running('one', 1)
  }, 60_000)

  it('have their use of CPU and memory shown, and that of the server', async () => {
    const [header, ...rows] = (await ran('top', 'instances', '--server', 'two')).trim().split('\n')
    expect(header).toBe('NAME        CPU(cores)   MEMORY(bytes)   PROCESSES   SESSIONS')
    expect(rows).toHaveLength(2)
    for (const row of rows) expect(row).toMatch(/^two-\w+ +\d+m +[1-9]\d*Mi +1 +0$/)
    const { items } = JSON.parse(await ran('top', 'servers', '-o', 'json', '--sort-by', 'memory'))
    expect(items).toMatchObject([
      { name: 'two', instances: 2, processes: 2 },
      { name: 'one', instances: 1, processes: 1 },
    ])
  })

  it('print one log, and so do several servers', async () => {
    const [a, b] = await instancesOf('two')
    const [c] = await instancesOf('one')
    const lines = (await ran('logs', '-l', 'test=reading')).split('\n')
    for (const [name, words] of [
      [a, 'first'],
      [b, 'first'],
      [c, 'other'],
    ])
      expect(lines).toContain(`[${name}] ${words} words`)
    expect(await ran('logs', 'one')).toMatch(/^started as process .*\nother words\n$/)
    const timed = (await ran('logs', 'one', 'two', '--no-prefix', '--timestamps')).trim().split('\n')
    expect(timed).toEqual([...timed].sort((x, y) => (x.slice(0, 24) < y.slice(0, 24) ? -1 : 1)))
  })

  it('are spoken with one by one, and a tool of one is called', async () => {
    const [a = '', b = ''] = await instancesOf('two')
    const table = await ran('test', 'server/two')
    for (const name of [a, b]) expect(table).toMatch(new RegExp(`^${name} +Yes +20\\d\\d-`, 'm'))
    expect(table).toContain('check')
    expect(await ran('test', 'two', '--instance', b, '--tool', 'check')).toBe('fine\n')
    const answer = JSON.parse(await ran('test', a, '--tool', 'check', '-o', 'json'))
    expect(answer).toMatchObject({ instance: a, ok: true, result: { content: [{ text: 'fine' }] } })
  })

  it('are described with the server, what it was given by source, and no value', async () => {
    const [a = ''] = await instancesOf('two')
    const server = await ran('describe', 'server', 'two')
    expect(server).toMatch(new RegExp(`^  ${a} +two +1/1 +Running +0 `, 'm'))
    expect(server).toMatch(/^ {2}Running +True /m)
    expect(server).toMatch(new RegExp(`^  instance/${a} .*InstanceStarted`, 'm'))
    const instance = await ran('describe', 'instance', a)
    expect(instance).toMatch(/^Runtime:\n {2}runtime: +process\n {2}pid: +\d+/m)
    for (const text of [server, instance]) {
      expect(text).toContain('  WORDS:      <a value in the spec; --show-values shows it>\n')
      expect(text).not.toContain('first words')
    }
    expect(await ran('get', 'instances', '-o', 'wide')).toMatch(new RegExp(`^${a} +two +1/1 .* process +\\d+ `, 'm'))
  })

  it('are followed through a rolling change, until Ctrl-C', async () => {
    const before = await instancesOf('two')
    const { text, child } = inBackground('logs', 'two', '-f', '--tail', '1')
    await expect.poll(text, SOON).toMatch(/first words\n.*first words\n/)
    await declare('two', 'second words', { replicas: 2 })
    await expect.poll(() => text().match(/second words/g), SOON).toHaveLength(2)
    for (const name of before) expect(text()).not.toContain(`[${name}] second words`)
    await expect.poll(async () => (await instancesOf('two')).filter((name) => before.includes(name)), SOON).toEqual([])
    const exit = once(child, 'exit')
    child.kill('SIGINT')
    expect((await exit)[0]).toBe(130)
  })
})
