import { execFileSync } from 'node:child_process'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TOKEN } from './testing/fake-mcpd.ts'
import { World } from './testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

describe('describe', () => {
  it('shows a resource in full, with its last events', async () => {
    await world.given('servers: [{ name: a, labels: { team: core }, command: x, args: [--port, "80"] }]')
    await world.given('servers: [{ name: a, labels: { team: core }, command: y }]')
    const { out } = await world.run(['describe', 'server', 'a', '--events', '1'])
    expect(out).toBe(`Name:       a
Kind:       server
Labels:
  team:       core
Revision:   1
Uid:        uid-1
Created:    2026-01-01T00:00:00.000Z by User:ada
Updated:    2026-01-01T00:00:00.000Z by User:ada
Spec:
  command:      y
  args:         <none>
  env:          <none>
  transport:    STDIO
  replicas:     1
  allowScripts: false
Status:     <none>
Events:
  REVISION   AGE   TYPE             BY         DETAIL
  1          60m   ServerDeclared   User:ada   -
`)
  })

  it('masks the values of a secret unless they are asked for', async () => {
    await world.given('secrets: [{ name: s, data: { K: geheim } }]')
    const masked = await world.run(['describe', 'secret', 's'])
    expect(masked.out).toContain('K:          ********\n')
    expect(masked.out).not.toContain('geheim')
    expect((await world.run(['describe', 'secret', 's', '--show-values'])).out).toContain('K:          geheim\n')
  })
})

describe('history', () => {
  it('says who changed what, newest first', async () => {
    await world.given('servers: [{ name: a, command: x }]')
    await world.given('servers: [{ name: a, command: y, labels: { b: c } }]')
    await world.run(['delete', 'server/a'])
    expect((await world.run(['history', 'server/a'])).out).toBe(
      [
        'REVISION   AGE   BY         TYPE             CHANGED',
        '2          60m   User:ada   ServerDeleted    -',
        '1          60m   User:ada   ServerDeclared   command,labels',
        '0          60m   User:ada   ServerDeclared   command,args,env,transport,replicas,allowScripts',
        '',
      ].join('\n'),
    )
  })
})

describe('history of a few revisions', () => {
  it('says what the oldest one shown has changed', async () => {
    await world.given('servers: [{ name: a, command: x }]')
    await world.given('servers: [{ name: a, command: y }]')
    const { out } = await world.run(['history', 'server/a', '--limit', '1'])
    expect(out.trim().split('\n')).toHaveLength(2)
    expect(out).toContain('ServerDeclared   command\n')
  })
})

describe('logs', () => {
  const line = (instance: string, text: string) => ({
    instance,
    at: '2026-01-01T00:00:00.000Z',
    source: 'stderr',
    line: text,
  })
  beforeEach(async () => {
    await world.given('servers: [{ name: a, command: x }]')
    world.mcpd.logLines = [line('a-1', 'one'), line('a-1', 'two \u001b[31mred')]
  })

  it('prints the lines of a server as they are', async () => {
    expect((await world.run(['logs', 'a'])).out).toBe('one\ntwo \u001b[31mred\n')
  })

  it('shows escapes instead of sending them to a terminal', async () => {
    expect((await world.run(['logs', 'a'], { outIsTTY: true })).out).toContain('two \\x1b[31mred\n')
  })

  it('prefixes lines when there are several instances', async () => {
    for (const name of ['a-1', 'a-2']) world.mcpd.store.put('instance', name, { spec: { server: 'a' }, status: {} })
    world.mcpd.logLines = [line('a-1', 'one'), line('a-2', 'two')]
    expect((await world.run(['logs', 'server/a'])).out).toBe('[a-1] one\n[a-2] two\n')
  })

  it('takes the name of an instance where no server is called that', async () => {
    world.mcpd.store.put('instance', 'a-1', { spec: { server: 'a' }, status: {} })
    expect((await world.run(['logs', 'a-1'])).out).toContain('one\n')
  })

  it('asks for what the flags say', async () => {
    await world.run(['logs', 'a', '--tail', '5', '--since', '10m', '--previous', '-f'])
    const path = world.mcpd.requests.find((request) => request.path.includes('/logs'))?.path
    expect(path).toBe('/api/v1/servers/a/logs?follow=true&tail=5&previous=true&since=2026-01-01T00%3A50%3A00.000Z')
  })

  it('says what was probably meant', async () => {
    expect(await world.run(['logs', 'b'])).toMatchObject({ code: 1, err: expect.stringContaining('Did you mean "a"?') })
    expect(await world.run(['logs', 'project/a'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('have no logs'),
    })
  })
})

const status = (state: string, more: object = {}) => ({
  version: '1.0.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  uptimeSeconds: 7300,
  log: { kind: 'embedded', ok: true, head: '42', pingMs: 0.12 },
  database: { kind: 'pglite' },
  readModels: [{ name: 'main', state, generation: '1', position: '42', lagEvents: 0, lagSeconds: 0, ...more }],
  instances: { running: 2, error: 1 },
  reactors: [{ name: 'reconcile', state: 'running', position: '42' }],
})

describe('status', () => {
  it('shows log, read models, instances and reactors', async () => {
    world.mcpd.status = status('live')
    const { code, out } = await world.run(['status'])
    expect(code).toBe(0)
    expect(out).toBe(`mcpd:       1.0.0 at ${world.mcpd.url}, up 2h
log:        embedded, head at 42, answers in 0.1 ms
database:   pglite
instances:  2 running, 1 error

READ MODEL   STATE   GENERATION   POSITION   LAG               NOTE
main         live    1            42         0 events, 0.0 s   -

REACTOR     STATE     POSITION   NOTE
reconcile   running   42         -
`)
  })

  it('exits with 1 when a read model has stopped, and says why', async () => {
    world.mcpd.status = status('stopped', {
      error: {
        message: 'a type from the future',
        event: { position: '43', stream: 'server-a', revision: '2', type: 'ServerPainted' },
      },
    })
    expect(await world.run(['status'])).toMatchObject({
      code: 1,
      out: expect.stringContaining('a type from the future (ServerPainted at position 43, server-a)'),
    })
  })
})

describe('operations', () => {
  it('waits for a rebuild and shows how far it is', async () => {
    const rebuild = (position: string) =>
      status('rebuilding', { rebuild: { generation: '2', position, target: '100', eventsPerSecond: 9 } })
    const answers = [
      status('live'),
      status('live'),
      rebuild('10'),
      rebuild('60'),
      rebuild('60'),
      status('live', { generation: '2' }),
    ]
    world.mcpd.intercept = ({ path }) => (path === '/api/v1/status' ? { body: answers.shift() } : undefined)
    expect(await world.run(['admin', 'rebuild'])).toEqual({
      code: 0,
      out: 'generation 2 is live\n',
      err: 'rebuilding: beginning\nrebuilding: 10 %, 9 events/s\nrebuilding: 60 %, 9 events/s\n',
    })
  })

  it('says why a rebuild was given up, and does not take the error of an earlier one for it', async () => {
    const failed = status('live', { rebuildError: { message: 'poison' } })
    const building = status('rebuilding', { rebuild: { generation: '2', position: '1', target: '2' } })
    const answers = [failed, failed, building, failed]
    world.mcpd.intercept = ({ path }) => (path === '/api/v1/status' ? { body: answers.shift() } : undefined)
    expect(await world.run(['admin', 'rebuild'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('the rebuild failed: poison'),
    })
    expect(answers).toEqual([])
  })

  it('rotates the master key', async () => {
    expect((await world.run(['rotate', 'master-key'])).out).toBe(
      '3 data keys are wrapped with master key k2, no longer with k1\n',
    )
  })

  it('shows both versions, and the client alone where mcpd does not answer', async () => {
    expect((await world.run(['version'])).out).toMatch(/^mcpctl \d+\.\d+\.\d+ .*\nmcpd {3}9\.9\.9 /)
    const away = await world.run(['version'], { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } })
    expect([away.code, away.out.split('\n').length]).toEqual([3, 2])
    expect((await world.run(['version', '--client'], { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } })).code).toBe(0)
  })
})

describe('login', () => {
  const file = () => join(world.folder, 'home/config.json')
  const nobody = { env: { MCPCTL_TOKEN: undefined } }

  it('checks the token, then keeps it where only the user can read', async () => {
    const { code, err } = await world.run(['login', '--token-stdin'], { ...nobody, stdin: `${TOKEN}\n` })
    expect([code, err]).toEqual([0, `Logged in at ${world.mcpd.url} as User:admin\n`])
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    expect((await stat(join(world.folder, 'home'))).mode & 0o777).toBe(0o700)
    expect((await world.run(['whoami'], nobody)).out).toMatch(/^Name: +User:admin\n/)
  })

  it('keeps nothing when mcpd does not know the token', async () => {
    const { code, err } = await world.run(['login', '--token-stdin'], { ...nobody, stdin: 'wrong-token' })
    expect([code, err]).toEqual([4, expect.not.stringContaining('wrong-token')])
    await expect(stat(file())).rejects.toThrow('ENOENT')
  })

  it('asks on a terminal, and needs --token-stdin without one', async () => {
    expect((await world.run(['login'], { ...nobody, terminal: true, answers: { Token: TOKEN } })).code).toBe(0)
    expect((await world.run(['login'], nobody)).code).toBe(2)
  })

  it('is undone by logout, which leaves the rest of the file', async () => {
    await mkdir(join(world.folder, 'home'))
    await writeFile(file(), JSON.stringify({ mcplocal: 'http://127.0.0.1:1', token: TOKEN }))
    expect((await world.run(['logout'], nobody)).err).toBe('The stored token is forgotten.\n')
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual({ mcplocal: 'http://127.0.0.1:1' })
    expect((await world.run(['whoami'], nobody)).code).toBe(4)
  })
})

describe('config for agents', () => {
  it('prints what starts mcpctl, without any secret', async () => {
    const { out, err } = await world.run(['config', 'claude', '-p', 'demo'])
    expect(JSON.parse(out)).toEqual({ mcpServers: { demo: { command: 'mcpctl', args: ['mcp', '-p', 'demo'] } } })
    expect(err).toContain('.mcp.json')
  })

  it.each([
    ['claude', { type: 'http' }, `\${MCPCTL_TOKEN}`],
    ['cursor', {}, `\${env:MCPCTL_TOKEN}`],
  ])('prints an HTTP endpoint for %s that takes the token from its environment', async (client, more, variable) => {
    const { out } = await world.run(['config', client, '-p', 'demo', '--http'])
    const headers = { Authorization: `Bearer ${variable}` }
    const url = 'http://127.0.0.1:3200/projects/demo/mcp'
    expect(JSON.parse(out)).toEqual({ mcpServers: { demo: { ...more, url, headers } } })
    expect(out).not.toContain(TOKEN)
  })

  it('refuses what cannot be a project', async () => {
    expect((await world.run(['config', 'cursor', '-p', '../x'])).code).toBe(2)
  })
})

describe('completion', () => {
  it('offers live names, and stays silent when mcpd is away', async () => {
    await world.given('servers: [{ name: a, command: x }, { name: b, command: x }]')
    expect((await world.run(['__complete', 'names', 'srv'])).out).toBe('a\nb\n')
    expect((await world.run(['__complete', 'targets', 'servers'])).out).toBe('servers/a\nservers/b\n')
    const away = { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } }
    expect(await world.run(['__complete', 'names', 'srv'], away)).toEqual({ code: 0, out: '', err: '' })
  })

  it.each(['bash', 'zsh', 'fish'])('knows verbs, flags and kinds in %s by itself', async (shell) => {
    const { out } = await world.run(['completion', shell])
    for (const word of ['describe', 'master-key', 'servers', 'dry-run', '__complete']) expect(out).toContain(word)
    expect(world.mcpd.requests).toEqual([])
  })
})

describe('the completion script for bash', () => {
  const STUB = `mcpctl() {
    case "$1 $2" in
      '__complete names') printf 'alpha\\nbeta\\n' ;;
      '__complete targets') printf '%s/alpha\\n' "$3" ;;
    esac
  }`
  it.each([
    [['ge'], 'get'],
    [['admin', ''], 'rebuild'],
    [['get', 'ser'], 'server servers'],
    [['get', 'server', 'a'], 'alpha'],
    [['get', '-o', 'yaml', 'server', 'b'], 'beta'],
    [['get', 'server/al'], 'server/alpha'],
    [['get', 'servers', '-o', 'j'], 'json jsonpath='],
    [['describe', '--sh'], '--show-values'],
    [['config', 'claude', '-p', ''], 'alpha beta'],
    [['logs', '-f', 'be'], 'beta'],
    [['apply', '-f', '/etc/hostnam'], '/etc/hostname'],
  ])('completes %j', async (words, offered) => {
    const { out } = await world.run(['completion', 'bash'])
    const line = ['mcpctl', ...words].map((word) => `'${word}'`).join(' ')
    const script = `${STUB}\n${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _mcpctl; echo "\${COMPREPLY[*]}"`
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toBe(`${offered}\n`)
  })
})

describe('explain', () => {
  it('shows the fields of a kind and an example', async () => {
    const { out } = await world.run(['explain', 'project'])
    expect(out).toContain('namespacing <always | auto | never> (default "always")\n      always: <server>__<tool>.')
    expect(out).toContain('EXAMPLE:\n  apiVersion: mcpctl/v1\n  kind: project\n')
  })

  it('goes down a path, and says what was probably meant', async () => {
    expect((await world.run(['explain', 'server.env.valueFrom'])).out).toContain('secretRef <object> -required-')
    expect((await world.run(['explain', 'server.envv'])).err).toContain('Did you mean "env"?')
  })
})
