import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { environmentOf } from './testing/daemon.ts'
import { MCPCTL, type Ran, type System, startSystem } from './testing/system.ts'

// The templates that need no account, from the command line to a tool call through the project's endpoint.

let home: string
let folder: string
let system: System

const mcpctl = (...args: readonly string[]): Promise<Ran> => system.mcpctl(args)
const created = async (...args: readonly string[]): Promise<void> =>
  expect(await mcpctl('create', ...args)).toMatchObject({ code: 0, stderr: '' })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-templates-'))
  folder = join(home, 'own templates')
  await mkdir(join(folder, 'folder.yaml'), { recursive: true })
  await mkdir(join(home, 'docs'))
  await writeFile(join(home, 'docs', 'hello.txt'), 'Hello from a template.')
  await writeFile(
    join(folder, 'mine.yaml'),
    'kind: template\nmetadata: { name: mine }\nspec: { server: { command: node, args: [mine.js] } }\n',
  )
  await writeFile(join(folder, 'typo.yaml'), 'kind: template\nmetadata: { name: typo }\nspec: { servr: {} }\n')
  await writeFile(
    join(folder, 'github.yaml'),
    'kind: template\nmetadata: { name: github }\nspec: { server: { command: x } }\n',
  )
  await writeFile(join(folder, 'huge.yaml'), '#'.repeat(1024 * 1024))
  await symlink('loop.yaml', join(folder, 'loop.yaml'))
  system = await startSystem(home, { args: ['--templates', folder, '--templates', join(home, 'nowhere')] })
}, 120_000)
afterAll(async () => {
  await system.kill('SIGTERM')
  await rm(home, { recursive: true, force: true })
})

describe('a system with template files of all sorts', () => {
  it('has started, and says of each file how it stands', async () => {
    const { stdout } = await mcpctl('get', 'templates', '-o', 'json')
    const items: {
      metadata: { name: string }
      status: { state: string; file: string; field?: string; reason?: string }
    }[] = JSON.parse(stdout).items
    const bad = items.filter(({ status }) => status.state !== 'ok')
    expect(items.length - bad.length).toBe(12)
    expect(bad.map(({ metadata, status }) => [metadata.name, status])).toEqual([
      ['folder', { state: 'broken', file: join(folder, 'folder.yaml'), field: null, reason: 'is a folder' }],
      [
        'github-2',
        {
          state: 'broken',
          file: join(folder, 'github.yaml'),
          field: 'metadata.name',
          reason: '"github" is the template of builtin/github.yaml already',
        },
      ],
      ['huge', { state: 'broken', file: join(folder, 'huge.yaml'), field: null, reason: 'is larger than 64 KiB' }],
      [
        'loop',
        { state: 'broken', file: join(folder, 'loop.yaml'), field: null, reason: 'is a link that leads to itself' },
      ],
      [
        'nowhere',
        expect.objectContaining({ file: join(home, 'nowhere'), reason: 'does not exist, or points to nothing' }),
      ],
      [
        'typo',
        {
          state: 'broken',
          file: join(folder, 'typo.yaml'),
          field: 'spec.servr',
          reason: 'there is no such field (line 3)',
        },
      ],
    ])
    const table = (await mcpctl('get', 'template', 'typo')).stdout
    expect(table).toContain('broken: spec.servr: there is no such field (line 3)')
    expect((await mcpctl('describe', 'template', 'typo')).stdout).toContain(join(folder, 'typo.yaml'))
  })

  it('can be read back and applied: nothing changes, and history says who declared it', async () => {
    const { stdout } = await mcpctl('get', 'template', 'slack', '-o', 'yaml')
    expect(await system.mcpctl(['apply', '-f', '-'], { stdin: stdout })).toMatchObject({
      stdout: 'template/slack unchanged\n',
    })
    expect((await mcpctl('history', 'template/slack')).stdout).toContain('System:templates')
  })
})

describe('servers made from templates that need no account', () => {
  it('serve tool calls through their project', async () => {
    await created('server', 'everything', '--from-template', 'everything')
    await created('server', 'files', '--from-template=filesystem', '--env', `FOLDER=${join(home, 'docs')}`)
    const graph = join(home, 'graph.jsonl')
    await created('server', 'memory', '--from-template', 'memory', '--env', `MEMORY_FILE_PATH=${graph}`)
    await created('project', 'all', '--server', 'everything', '--server', 'files', '--server', 'memory')
    await vi.waitFor(
      async () => {
        const { stdout } = await mcpctl('get', 'instances', '-o', 'jsonpath={.items[*].status.phase}')
        expect(stdout.trim()).toBe('running running running')
      },
      { timeout: 150_000, interval: 300 },
    )
    const client = await system.connect('all')
    const call = async (name: string, args: Record<string, unknown>): Promise<string> =>
      JSON.stringify((await client.callTool({ name, arguments: args })).content)
    expect(await call('everything__echo', { message: 'hello' })).toContain('Echo: hello')
    const file = join(home, 'docs', 'hello.txt')
    expect(await call('files__read_text_file', { path: file })).toContain('Hello from a template.')
    const entity = { name: 'ada', entityType: 'person', observations: ['writes templates'] }
    expect(await call('memory__create_entities', { entities: [entity] })).toContain('ada')
    expect(await readFile(graph, 'utf8')).toContain('writes templates')
    await client.close()
  }, 180_000)

  it('answer the tool that their template tells their health by', async () => {
    const { stdout } = await mcpctl('get', 'servers', '-o', 'json')
    const servers: {
      metadata: { name: string }
      spec: { healthCheck: { tool: string; arguments: Record<string, unknown> } }
    }[] = JSON.parse(stdout).items
    const client = await system.connect('all')
    for (const { metadata, spec } of servers) {
      const { tool, arguments: args } = spec.healthCheck
      const answer = await client.callTool({ name: `${metadata.name}__${tool}`, arguments: args })
      expect([metadata.name, answer.isError ?? false]).toEqual([metadata.name, false])
    }
    expect(servers.map(({ metadata }) => metadata.name)).toEqual(['everything', 'files', 'memory'])
    await client.close()
  })
})

/** Runs mcpctl on a terminal of its own, answers its questions as they come, and gives what was to be seen there. */
const onTerminal = (args: readonly string[], answers: readonly (readonly [string, string])[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const command = [process.execPath, MCPCTL, ...args].map((word) => `'${word}'`).join(' ')
    const env = { ...environmentOf(home), TERM: 'xterm' }
    const child = spawn('script', ['-qec', command, '/dev/null'], { env, stdio: 'pipe' })
    const left = [...answers]
    let seen = ''
    child.stdout.on('data', (chunk) => {
      seen += chunk
      const [next] = left
      if (next === undefined || !seen.includes(next[0])) return
      left.shift()
      child.stdin.write(`${next[1]}\r`)
    })
    child.on('error', reject)
    child.on('close', (code) => (code === 0 ? resolve(seen) : reject(new Error(`mcpctl ended with ${code}: ${seen}`))))
  })

describe('a secret that a template asks for', () => {
  it('is asked for without echo, and goes into a secret', async () => {
    const seen = await onTerminal(
      ['create', 'server', 'asked', '--from-template', 'gitea', '--replicas', '0'],
      [
        ['GITEA_HOST (', 'https://git.example.com'],
        ['GITEA_ACCESS_TOKEN (', 'whispered-canary'],
      ],
    )
    expect(seen).toContain('server/asked created')
    expect(seen).not.toContain('canary')
    const { stdout } = await mcpctl('describe', 'secret', 'asked-env', '--show-values')
    expect(stdout).toContain('whispered-canary')
    expect((await mcpctl('get', 'server', 'asked', '-o', 'yaml')).stdout).toContain('name: asked-env')
  })

  it('reaches neither the server nor an event; the server refers to it', async () => {
    const made = await system.mcpctl(['create', 'secret', 'gt-env', '--from-stdin', 'GITEA_ACCESS_TOKEN'], {
      stdin: 'hunter2-canary',
    })
    expect(made.code).toBe(0)
    await created(
      ...['server', 'gt', '--from-template', 'gitea', '--replicas', '0', '--env', 'GITEA_HOST=https://git.example.com'],
      ...['--env-from', 'GITEA_ACCESS_TOKEN=gt-env/GITEA_ACCESS_TOKEN'],
    )
    const { stdout } = await mcpctl('get', 'server', 'gt', '-o', 'yaml')
    expect(stdout).toContain('key: GITEA_ACCESS_TOKEN')
    expect(stdout).not.toContain('canary')
    expect((await mcpctl('delete', 'secret', 'gt-env')).stderr).toContain('is used by server/gt')
  })
})
