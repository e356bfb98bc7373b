import { access, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TOKEN } from '../testing/fake-mcpd.ts'
import { Desk } from './testing/desk.ts'

let desk = new Desk()
beforeEach(async () => {
  desk = new Desk()
  await desk.start()
})
afterEach(() => desk.stop())

const SHELL = `\${MCPCTL_TOKEN}`
const EDITOR = `\${env:MCPCTL_TOKEN}`
const STDIO = '"command": "mcpctl",\n      "args": ["mcp", "-p", "demo"]'
const bearer = (reference: string) => `"headers": {\n        "Authorization": "Bearer ${reference}"\n      }`
const URL_LINE = 'http://127.0.0.1:3200/projects/demo/mcp'
const json = (key: string, inside: string) => `{\n  "${key}": {\n    "demo": {\n      ${inside}\n    }\n  }\n}\n`

describe('each client gets the entry that it understands, in its own file', () => {
  const rows: readonly (readonly [line: string, file: string, text: string])[] = [
    ['claude', '.mcp.json', json('mcpServers', STDIO)],
    ['claude --scope user', 'me/.claude.json', json('mcpServers', STDIO)],
    [
      'claude --http',
      '.mcp.json',
      json('mcpServers', `"type": "http",\n      "url": "${URL_LINE}",\n      ${bearer(SHELL)}`),
    ],
    [
      'claude-desktop',
      'me/.config/Claude/claude_desktop_config.json',
      json(
        'mcpServers',
        '"command": "/opt/node/bin/node",\n      "args": ["/opt/mcpctl/bin/mcpctl.cjs", "mcp", "-p", "demo"]',
      ),
    ],
    ['cursor', 'me/.cursor/mcp.json', json('mcpServers', STDIO)],
    ['cursor --scope project', '.cursor/mcp.json', json('mcpServers', STDIO)],
    ['cursor --http', 'me/.cursor/mcp.json', json('mcpServers', `"url": "${URL_LINE}",\n      ${bearer(EDITOR)}`)],
    ['vscode', 'me/.config/Code/User/mcp.json', json('servers', `"type": "stdio",\n      ${STDIO}`)],
    ['vscode --scope project', '.vscode/mcp.json', json('servers', `"type": "stdio",\n      ${STDIO}`)],
    [
      'vscode --http',
      'me/.config/Code/User/mcp.json',
      json('servers', `"type": "http",\n      "url": "${URL_LINE}",\n      ${bearer(EDITOR)}`),
    ],
    ['windsurf', 'me/.codeium/windsurf/mcp_config.json', json('mcpServers', STDIO)],
    [
      'windsurf --http',
      'me/.codeium/windsurf/mcp_config.json',
      json('mcpServers', `"serverUrl": "${URL_LINE}",\n      ${bearer(EDITOR)}`),
    ],
    ['codex', 'me/.codex/config.toml', '[mcp_servers.demo]\ncommand = "mcpctl"\nargs = ["mcp", "-p", "demo"]\n'],
    [
      'codex --scope project',
      '.codex/config.toml',
      '[mcp_servers.demo]\ncommand = "mcpctl"\nargs = ["mcp", "-p", "demo"]\n',
    ],
    [
      'codex --http',
      'me/.codex/config.toml',
      `[mcp_servers.demo]\nurl = "${URL_LINE}"\nbearer_token_env_var = "MCPCTL_TOKEN"\n`,
    ],
    ['gemini', '.gemini/settings.json', json('mcpServers', STDIO)],
    ['gemini --scope user', 'me/.gemini/settings.json', json('mcpServers', STDIO)],
    ['gemini --http', '.gemini/settings.json', json('mcpServers', `"httpUrl": "${URL_LINE}",\n      ${bearer(SHELL)}`)],
    [
      'opencode',
      'me/.config/opencode/opencode.json',
      json('mcp', '"type": "local",\n      "command": ["mcpctl", "mcp", "-p", "demo"],\n      "enabled": true'),
    ],
    [
      'opencode --scope project --http',
      'opencode.json',
      json(
        'mcp',
        `"type": "remote",\n      "url": "${URL_LINE}",\n      ${bearer('{env:MCPCTL_TOKEN}')},\n      "oauth": false,\n      "enabled": true`,
      ),
    ],
  ]
  it.each(rows)('%s', async (line, file, text) => {
    const path = join(desk.folder, file)
    const { code, out, err } = await desk.config(`${line} -p demo`)
    expect([code, out]).toEqual([0, `${line.split(' ')[0]}: demo created in ${path}\n`])
    expect(await desk.read(path)).toBe(text)
    expect(text + out + err).not.toContain(TOKEN)
    expect(err).toContain(`+++ ${path}`)
    const again = await desk.config(`${line} -p demo`)
    expect(again).toEqual({ code: 0, out: `${line.split(' ')[0]}: demo unchanged in ${path}\n`, err: '' })
    expect((await stat(path)).mode & 0o777).toBe(file.startsWith('me/') ? 0o600 : 0o666 & ~process.umask())
  })

  it.each([
    ['claude-desktop', 'Library/Application Support/Claude/claude_desktop_config.json'],
    ['vscode', 'Library/Application Support/Code/User/mcp.json'],
    ['opencode', '.config/opencode/opencode.json'],
  ])('%s on a Mac', async (client, file) => {
    expect((await desk.config(`${client} -p demo`, { platform: 'darwin' })).code).toBe(0)
    await access(join(desk.home, file))
  })

  it.each([
    [
      'claude-desktop',
      { APPDATA: 'C:\\Users\\me\\AppData\\Roaming' },
      'C:\\Users\\me\\AppData\\Roaming\\Claude\\claude_desktop_config.json',
    ],
    ['vscode', {}, 'C:\\Users\\me\\AppData\\Roaming\\Code\\User\\mcp.json'],
    ['cursor', {}, 'C:\\Users\\me\\.cursor\\mcp.json'],
    ['codex', {}, 'C:\\Users\\me\\.codex\\config.toml'],
  ])('%s on Windows, where programs are started by their full path', async (client, env, path) => {
    const around = { platform: 'win32', env: { USERPROFILE: 'C:\\Users\\me', ...env } } as const
    const { out, err } = await desk.config(`${client} -p demo --print`, around)
    expect(err).toContain(path)
    expect(out).toContain('/opt/mcpctl/bin/mcpctl.cjs')
  })

  it.each([
    ['claude --scope user', 'CLAUDE_CONFIG_DIR', '.claude.json'],
    ['codex', 'CODEX_HOME', 'config.toml'],
    ['gemini --scope user', 'GEMINI_CLI_HOME', '.gemini/settings.json'],
    ['vscode', 'XDG_CONFIG_HOME', 'Code/User/mcp.json'],
    ['opencode', 'XDG_CONFIG_HOME', 'opencode/opencode.json'],
  ])('%s where %s says', async (line, variable, file) => {
    const elsewhere = join(desk.folder, 'elsewhere')
    await desk.config(`${line} -p demo`, { env: { [variable]: elsewhere } })
    await access(join(elsewhere, file))
  })

  it('opencode: the file with comments where there is one, and the entries of OpenCode 2 where they are', async () => {
    const file = await desk.write(join(desk.folder, 'opencode.jsonc'), '{\n  // v2\n  "mcp": { "servers": {} },\n}\n')
    await desk.config('opencode -p demo --scope project')
    expect(await desk.read(file)).toContain('// v2')
    expect(await desk.read(file)).toContain('"servers": {\n')
    expect(await desk.read(file)).not.toContain('enabled')
    await expect(access(join(desk.folder, 'opencode.json'))).rejects.toThrow()
    await desk.write(file, '{ "mcp": { "servers": { "type": "local", "command": ["x"] } } }')
    await desk.config('opencode -p demo --scope project')
    expect(JSON.parse(await desk.read(file)).mcp.demo).toMatchObject({ type: 'local', enabled: true })
  })
})

describe('what is started finds the same mcpd and the same login', () => {
  const entry = async (line: string, env: Record<string, string | undefined> = {}) => {
    const { out } = await desk.config(`${line} --print`, { env })
    return out
  }

  it('by its full path where a shell would not find mcpctl', async () => {
    const { mcpServers } = JSON.parse(await entry('claude -p demo', { PATH: '/nowhere' }))
    expect(mcpServers.demo).toEqual({
      command: '/opt/node/bin/node',
      args: ['/opt/mcpctl/bin/mcpctl.cjs', 'mcp', '-p', 'demo'],
    })
  })

  it('at another address, with a folder of its own', async () => {
    const { mcpServers } = JSON.parse(await entry('claude -p demo --server http://127.0.0.1:9', { MCPCTL_HOME: 'own' }))
    expect(mcpServers.demo).toEqual({
      command: 'mcpctl',
      args: ['mcp', '-p', 'demo', '--server', 'http://127.0.0.1:9'],
      env: { MCPCTL_HOME: join(desk.folder, 'own') },
    })
  })

  it.each([
    ['claude', `"MCPCTL_TOKEN": "${SHELL}"`],
    ['cursor', `"MCPCTL_TOKEN": "${EDITOR}"`],
    ['opencode', '"MCPCTL_TOKEN": "{env:MCPCTL_TOKEN}"'],
    ['codex', 'env_vars = ["MCPCTL_TOKEN"]'],
  ])('with the token of its environment, by name, where nobody has logged in: %s', async (client, written) => {
    await rm(join(desk.home, '.mcpctl/config.json'))
    const text = await entry(`${client} -p demo`, { MCPCTL_TOKEN: 'geheim', MCPCTL_SERVER: desk.world.mcpd.url })
    expect(text).toContain(written)
    expect(text).not.toContain('geheim')
  })

  it('says so where it will find no token', async () => {
    await rm(join(desk.home, '.mcpctl/config.json'))
    const { err } = await desk.config('claude-desktop -p demo', { env: { MCPCTL_TOKEN: 'geheim' } })
    expect(err).toContain('log in with "mcpctl login"')
  })

  it.each(['http://me:geheim@127.0.0.1:1', 'http://127.0.0.1:1/?token=geheim'])(
    'never with a password in an address: %s',
    async (server) => {
      for (const [line, env] of [
        ['claude -p demo', { MCPCTL_SERVER: server }],
        ['claude -p demo --http', { MCPCTL_MCPLOCAL: server }],
      ] as const) {
        const { code, out, err } = await desk.config(line, { env })
        expect([code, out]).toEqual([2, ''])
        expect(err).not.toContain('geheim')
      }
      expect(await readdir(desk.folder)).toEqual(['me'])
    },
  )

  it('and a project that mcpd does not have is remarked upon', async () => {
    expect((await desk.config('claude -p dmeo')).err).toContain('has no project "dmeo" yet')
    expect((await desk.config('cursor -p demo')).err).not.toContain('no project')
  })
})

describe('wrong usage changes nothing', () => {
  it.each([
    ['claude-desktop -p demo --http', 'Claude Desktop cannot connect over HTTP'],
    ['claude-desktop -p demo --scope project', 'Claude Desktop has no project scope'],
    ['windsurf -p demo --scope project', 'Windsurf has no project scope'],
    ['cursor -p ../x', '"../x" is no name of a project'],
    ['cursor -p demo --name __proto__', '"__proto__" cannot be the name of an entry'],
    ['cursor -p demo --scope local', '--scope cannot be "local"'],
    ['cursor -p demo --print --undo', '--print only prints'],
    ['cursr -p demo', 'Did you mean "config cursor"?'],
  ])('%s', async (line, message) => {
    const { code, err } = await desk.config(line)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(await readdir(desk.folder)).toEqual(['me'])
  })
})
