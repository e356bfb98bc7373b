import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createRegistry } from '../../domain/kernel/registry.ts'
import { kinds } from '../../domain/registry.ts'
import { FakeMcpd, TOKEN } from '../testing/fake-mcpd.ts'

const BIN = fileURLToPath(new URL('./mcpctl.ts', import.meta.url))

let home = ''
let mcpd: FakeMcpd
const children: ChildProcess[] = []
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-bin-'))
  mcpd = new FakeMcpd(createRegistry(kinds))
  await mcpd.start()
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await mcpd.stop()
  await rm(home, { recursive: true, force: true })
})

const start = (argv: readonly string[], env: Record<string, string> = {}) => {
  const child = spawn(process.execPath, ['--import', 'tsx', BIN, ...argv], {
    env: { ...process.env, MCPCTL_HOME: home, MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: TOKEN, ...env },
  })
  children.push(child)
  const ran = { out: '', err: '', child, code: undefined as number | null | undefined }
  child.stdout.on('data', (data) => {
    ran.out += String(data)
  })
  child.stderr.on('data', (data) => {
    ran.err += String(data)
  })
  const ended = new Promise<typeof ran>((resolve) =>
    child.on('close', (code) => {
      ran.code = code
      resolve(ran)
    }),
  )
  return { ran, child, ended }
}

const declare = (name: string) => {
  const kind = kinds.find((each) => each.kind === 'server')
  if (kind === undefined) throw new Error('there is no kind server')
  const spec = kind.spec.parse({ command: 'x' }) as Record<string, never>
  mcpd.store.declare(kind, { mode: 'apply', name, labels: {}, spec, dryRun: false, ifMatch: undefined })
}

describe('the program mcpctl', () => {
  it('prints to stdout, and leaves with the exit code of its verb', async () => {
    declare('a')
    expect(await start(['get', 'servers', '-o', 'name']).ended).toMatchObject({ code: 0, out: 'server/a\n', err: '' })
    expect(await start(['gte']).ended).toMatchObject({ code: 2, out: '' })
  })

  it('loads neither the kinds nor yargs to say its version, and no yargs to get', async () => {
    const loaded = async (argv: readonly string[]): Promise<readonly string[]> => {
      const folder = await mkdtemp(join(home, 'coverage-'))
      await start(argv, { NODE_V8_COVERAGE: folder }).ended
      const reports = await Promise.all((await readdir(folder)).map((file) => readFile(join(folder, file), 'utf8')))
      return reports.flatMap((report) => (JSON.parse(report).result as { url: string }[]).map(({ url }) => url))
    }
    const among = (urls: readonly string[], pattern: RegExp) => urls.filter((url) => pattern.test(url))
    const version = await loaded(['version'])
    expect(among(version, /cli\/version\.ts$/)).toHaveLength(1)
    expect(among(version, /node_modules\/(zod|yargs|yaml|@modelcontextprotocol)\/|domain\/registry/)).toEqual([])
    const get = await loaded(['get', 'servers'])
    expect(among(get, /node_modules\/zod\//)).not.toEqual([])
    expect(among(get, /node_modules\/(yargs|yaml|undici|@modelcontextprotocol)\/|\/adapters\//)).toEqual([])
  })

  it('ends quietly with 130 on Ctrl-C', async () => {
    declare('a')
    const { child, ran, ended } = start(['get', 'servers', '-w', '-o', 'name'])
    await vi.waitFor(() => expect(ran.out).toBe('server/a\n'), 10_000)
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130, out: 'server/a\n', err: '' })
  })

  it('ends with 130 on Ctrl-C while it waits for standard input', async () => {
    const { child, ended } = start(['apply', '-f', '-'])
    // More than a pipe holds: once all of it is written, it is being read.
    await new Promise((resolve) => child.stdin?.write(`#${' '.repeat(1024 * 1024)}`, resolve))
    child.kill('SIGINT')
    expect(await ended).toMatchObject({ code: 130, out: '', err: '' })
  })

  it('is not upset when nobody reads on', async () => {
    for (let i = 0; i < 300; i += 1) declare(`s${i}`)
    const { child, ended } = start(['get', 'servers', '-o', 'yaml'])
    child.stdout?.destroy()
    expect(await ended).toMatchObject({ code: 0, err: '' })
  })

  it('writes all of a long answer into a pipe', async () => {
    for (let i = 0; i < 300; i += 1) declare(`s${i}`)
    const { out } = await start(['get', 'servers', '-o', 'json']).ended
    expect(JSON.parse(out).items).toHaveLength(300)
  })

  it('opens the editor that $EDITOR says, with the arguments and quotes in it', async () => {
    declare('a')
    const script = join(home, 'my editor.sh')
    await writeFile(script, '#!/bin/sh\nsed -i "s/command: x/command: $1/" "$2"\n', { mode: 0o755 })
    const { ended } = start(['edit', 'server/a'], { VISUAL: '', EDITOR: `'${script}' y` })
    expect(await ended).toMatchObject({ code: 0, out: 'server/a edited\n', err: '' })
    expect(mcpd.store.row('server', 'a').spec.command).toBe('y')
  })

  it('never shows a stack, but for MCPCTL_DEBUG=1', async () => {
    expect((await start(['get', 'nothing']).ended).err).not.toContain('    at ')
    expect((await start(['get', 'nothing'], { MCPCTL_DEBUG: '1' }).ended).err).toContain('    at ')
  })

  it('answers an agent in JSON-RPC when mcpd is away, and says so on stderr', async () => {
    const { child, ended } = start(['mcp', '-p', 'demo'], { MCPCTL_SERVER: 'http://127.0.0.1:9' })
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'test', version: '1' } }
    child.stdin?.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`)
    const { out, err, code } = await ended
    expect(JSON.parse(out)).toMatchObject({ jsonrpc: '2.0', id: 1, error: {} })
    expect([code, err]).toEqual([3, expect.stringContaining('mcpd is not available')])
  })
})
