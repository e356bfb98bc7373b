import { execFileSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

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
      '__complete tools') printf '%s__echo\\n' "$3" ;;
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
    [['call', 'a'], 'alpha'],
    [['call', 'demo', 'demo_'], 'demo__echo'],
    [['get', 'tools', '-p', 'b'], 'beta'],
    [['test', ''], 'alpha beta mcp'],
    [['test', 'be'], 'beta'],
    [['test', 'mcp', '-p', ''], 'alpha beta'],
    [['test', 'mcp', '--exp'], '--expect-tools'],
    [['test', 'server', '--inst'], '--instance'],
    [['apply', '-f', '/etc/hostnam'], '/etc/hostname'],
  ])('completes %j', async (words, offered) => {
    const { out } = await world.run(['completion', 'bash'])
    const line = ['mcpctl', ...words].map((word) => `'${word}'`).join(' ')
    const script = `${STUB}\n${out}\nCOMP_WORDS=(${line}); COMP_CWORD=${words.length}; _mcpctl; echo "\${COMPREPLY[*]}"`
    expect(execFileSync('bash', ['-c', script], { encoding: 'utf8' })).toBe(`${offered}\n`)
  })
})
