import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type System, startSystem } from './testing/system.ts'

const EXAMPLES = fileURLToPath(new URL('../examples/first-steps', import.meta.url))

let home: string
let examples: string
let system: System
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-up-'))
  examples = join(home, 'first-steps')
  await cp(EXAMPLES, examples, { recursive: true })
  system = await startSystem(home, { args: ['--demo'] })
}, 120_000)
afterAll(async () => {
  await system.kill('SIGTERM')
  await rm(home, { recursive: true, force: true })
})

const text = (result: Awaited<ReturnType<Client['callTool']>>): string =>
  (result.content as { text?: string }[]).map((part) => part.text ?? '').join('')

/** Pids of this system's servers: their command line names its data folder. */
const serverPids = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(home, '.mcpctl/data/packages'))
      } catch {
        return false // it has ended meanwhile
      }
    })
    .map(Number)

const serversRun = async (): Promise<void> => {
  await expect
    .poll(async () => (await system.mcpctl(['get', 'servers', '-o', 'json'])).stdout, {
      timeout: 60_000,
      interval: 200,
    })
    .toSatisfy((json: string) =>
      JSON.parse(json).items.every(
        (each: { spec: { replicas: number }; status: { readyReplicas?: number } }) =>
          (each.status.readyReplicas ?? 0) === each.spec.replicas,
      ),
    )
}

describe('a new user', () => {
  it('sees real tool calls through both servers of the demo', () => {
    expect(system.output()).toContain('hello, mcpctl')
    expect(system.output()).toContain('Hello from a file that an MCP server has read.')
  })

  it('is logged in, with a token that only they can read', async () => {
    expect((await system.mcpctl(['whoami'])).stdout).toContain('admin')
    expect((await system.mcpctl(['config', 'view'])).stdout).not.toContain(system.token)
  })

  it('gets client configurations without a secret in them', async () => {
    for (const client of ['claude', 'cursor']) {
      const { stdout, code } = await system.mcpctl(['config', client, '-p', 'demo', '--print'])
      expect(code).toBe(0)
      expect(stdout).toContain('"demo"')
      expect(stdout).not.toContain('mcpctl_at_')
    }
  })

  it('gives a server a secret from standard input as its environment', async () => {
    const made = await system.mcpctl(['create', 'secret', 'first-steps', '--from-stdin', 'GREETING'], {
      stdin: 'bonjour-7f3a\n',
    })
    expect(made).toMatchObject({ code: 0 })
    const first = await system.mcpctl(['apply', '-f', examples])
    expect(first).toMatchObject({ code: 0 })
    expect(first.stdout).toContain('project/first-steps created')
    await serversRun()
    const client = await system.connect('first-steps')
    expect(text(await client.callTool({ name: 'playground__get-env', arguments: {} }))).toContain('bonjour-7f3a')
    const shown = await system.mcpctl(['describe', 'secret', 'first-steps'])
    expect(shown.stdout).toContain('GREETING')
    expect(shown.stdout).not.toContain('bonjour')
    await client.close()
  })

  it('changes only what has changed', async () => {
    const again = await system.mcpctl(['apply', '-f', examples])
    expect(
      again.stdout
        .trim()
        .split('\n')
        .every((line) => line.endsWith(' unchanged')),
    ).toBe(true)
    const file = join(examples, 'project.yaml')
    await writeFile(file, (await readFile(file, 'utf8')).replace('Both servers', 'The two servers'))
    const changed = await system.mcpctl(['apply', '-f', examples])
    expect(changed.stdout.match(/configured/g)).toHaveLength(1)
    expect(changed.stdout).toContain('project/first-steps configured')
  })

  it('clones a project with get, sed and apply, and calls a tool of the clone', async () => {
    const { stdout } = await system.mcpctl(['get', 'project', 'demo', '-o', 'yaml'])
    const copied = await system.mcpctl(['apply', '-f', '-'], { stdin: stdout.replaceAll('demo', 'copy') })
    expect(copied.stdout).toContain('project/copy created')
    const client = await system.connect('copy')
    expect(text(await client.callTool({ name: 'everything__echo', arguments: { message: 'cloned' } }))).toContain(
      'cloned',
    )
    await client.close()
  })

  it('finds nothing changed when what was read is applied', async () => {
    for (const kind of ['secretbackends', 'secrets', 'servers', 'projects']) {
      const { stdout } = await system.mcpctl(['get', kind, '-o', 'yaml'])
      const applied = await system.mcpctl(['apply', '-f', '-'], { stdin: stdout })
      expect(applied.stderr).toBe('')
      expect(
        applied.stdout
          .trim()
          .split('\n')
          .filter((line) => !line.endsWith(' unchanged')),
      ).toEqual([])
    }
  })

  it('cannot delete what is in use, and is told by whom', async () => {
    const refused = await system.mcpctl(['delete', 'server', 'everything'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('project/demo')
  })

  it('is told of a typing error in a manifest with file and line', async () => {
    const file = join(home, 'wrong.yaml')
    await writeFile(file, 'kind: server\nmetadata:\n  name: x\nspec:\n  packageNam: y\n')
    const { code, stderr } = await system.mcpctl(['apply', '-f', file])
    expect(code).not.toBe(0)
    expect(stderr).toContain(`${file}:5`)
    expect(stderr).toContain('packageNam')
  })

  it('finds out why a server does not start', async () => {
    const manifest = { kind: 'server', metadata: { name: 'broken' }, spec: { command: 'no-such-program' } }
    await system.mcpctl(['apply', '-f', '-'], { stdin: JSON.stringify(manifest) })
    await expect
      .poll(async () => (await system.mcpctl(['get', 'instances', '-o', 'json'])).stdout, { timeout: 20_000 })
      .toContain('no-such-program')
    const { stdout } = await system.mcpctl(['get', 'instances', '--server', 'broken', '-o', 'json'])
    expect(JSON.parse(stdout).items[0].status).toMatchObject({ phase: 'error', attemptCount: 1 })
    expect((await system.mcpctl(['delete', 'server', 'broken'])).code).toBe(0)
  })
})

describe('a system that was killed', () => {
  const state = async (): Promise<unknown> => {
    const kinds = ['secretbackends', 'secrets', 'servers', 'projects']
    const specs = await Promise.all(
      kinds.map(async (kind) =>
        JSON.parse((await system.mcpctl(['get', kind, '-o', 'json'])).stdout).items.map(
          ({ metadata, spec }: { metadata: object; spec: object }) => ({
            metadata: { ...metadata, position: '' },
            spec,
          }),
        ),
      ),
    )
    return specs
  }

  it('is where it was after SIGKILL: same state, no orphan, calls work', async () => {
    await serversRun()
    const before = await state()
    const old = serverPids()
    expect(old.length).toBeGreaterThan(0)
    await system.kill('SIGKILL')
    await expect.poll(() => serverPids().filter((pid) => old.includes(pid)), { timeout: 15_000 }).toEqual([])
    system = await startSystem(home)
    expect(await state()).toEqual(before)
    await serversRun()
    expect(serverPids()).toHaveLength(old.length)
    const client = await system.connect('demo')
    expect(text(await client.callTool({ name: 'everything__echo', arguments: { message: 'still here' } }))).toContain(
      'still here',
    )
    await client.close()
  })

  it('makes its rows again from the log when they are deleted', async () => {
    await serversRun()
    const before = await state()
    expect(await system.kill('SIGTERM')).toBe(0)
    await rm(join(home, '.mcpctl/data/read-models'), { recursive: true })
    system = await startSystem(home)
    expect(await state()).toEqual(before)
  })
})
