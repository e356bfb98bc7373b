import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { access, chmod, chown, lstat, mkdir, readdir, rm, stat, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Desk } from './testing/desk.ts'

let desk = new Desk()
beforeEach(async () => {
  desk = new Desk()
  await desk.start()
})
afterEach(() => desk.stop())

describe('before it writes', () => {
  const OTHERS = `{
  // sk-comment
  "apiKey": "sk-top",
  "mcpServers": {
    "github": {
      "command": "npx",
      "args": ["--key", "sk-args"],
      "env": { "TOKEN": "sk-env" }
    }
  },
  "headers": { "Authorization": "sk-header" }
}
`

  it('shows what changes, and no value of anything else', async () => {
    const file = await desk.write(join(desk.folder, '.mcp.json'), OTHERS)
    const { code, out, err } = await desk.config('claude -p demo --dry-run')
    expect(code).toBe(0)
    expect(out).toContain(
      '       "env": { "TOKEN": … }\n+    },\n+    "demo": {\n+      "command": "mcpctl",\n+      "args": ["mcp", "-p", "demo"]\n     }\n',
    )
    expect(out + err).not.toContain('sk-')
    expect(err).toBe(`claude: demo would be created in ${file} (dry run)\n`)
    expect(await desk.read(file)).toBe(OTHERS)
  })

  it('hides the values of an entry that it replaces', async () => {
    const file = await desk.write(join(desk.folder, '.mcp.json'), OTHERS)
    const toml = await desk.write(
      join(desk.home, '.codex/config.toml'),
      '[mcp_servers.github]\ncommand = "npx" # sk-comment\nenv.TOKEN = """\nsk-env\n"""\n',
    )
    for (const client of ['claude', 'codex']) {
      const { out } = await desk.config(`${client} -p demo --name github --dry-run`)
      expect(out).toContain('…')
      expect(out).not.toContain('sk-')
      expect(out).toContain('mcpctl')
    }
    expect(await desk.read(file)).toBe(OTHERS)
    expect(await desk.read(toml)).toContain('sk-env')
  })

  it('shows of a file on one line only where the change is', async () => {
    const others = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`server-${i}`, { command: 'sk-1' }]))
    await desk.write(join(desk.folder, '.mcp.json'), JSON.stringify({ mcpServers: others, after: others }))
    const { out } = await desk.config('claude -p demo --dry-run')
    expect(out).toContain('"demo":{"command":"mcpctl","args":["mcp","-p","demo"]}')
    expect(out.length).toBeLessThan(1000)
    expect(out).not.toContain('server-400')
  })

  it('keeps variables and headers that the user has added, and shows none of their values', async () => {
    const file = join(desk.folder, '.mcp.json')
    const added = async (field: string, values: object) => {
      const document = JSON.parse(await desk.read(file))
      document.mcpServers.demo[field] = { ...document.mcpServers.demo[field], ...values }
      await desk.write(file, JSON.stringify(document, null, 2))
    }
    await desk.config('claude -p demo')
    await added('env', { HTTPS_PROXY: 'sk-proxy', PORT: 8080 })
    expect((await desk.config('claude -p demo')).out).toContain('unchanged')
    const own = await desk.config('claude -p demo', { env: { MCPCTL_HOME: join(desk.home, '.mcpctl') } })
    expect(own.err).not.toContain('sk-proxy')
    expect(JSON.parse(await desk.read(file)).mcpServers.demo.env).toEqual({
      HTTPS_PROXY: 'sk-proxy',
      PORT: 8080,
      MCPCTL_HOME: join(desk.home, '.mcpctl'),
    })
    const http = await desk.config('claude -p demo --http')
    expect(http.err).not.toContain('sk-proxy')
    await added('headers', { 'X-Team': 'sk-team' })
    expect((await desk.config('claude -p demo --http')).out).toContain('unchanged')
    expect(JSON.parse(await desk.read(file)).mcpServers.demo).not.toHaveProperty('env')
  })

  it('asks at a terminal, and takes no for an answer', async () => {
    const file = join(desk.folder, '.mcp.json')
    const question = `Change ${file}?`
    const no = await desk.config('claude -p demo', { terminal: true, notesAreTTY: true, answers: { [question]: 'no' } })
    expect([no.code, no.out]).toEqual([1, ''])
    expect(no.err).toContain('nothing was changed')
    await expect(access(file)).rejects.toThrow()
    expect(
      (await desk.config('claude -p demo', { terminal: true, notesAreTTY: true, answers: { [question]: 'yes' } })).code,
    ).toBe(0)
    expect((await desk.config('claude -p demo --http -y', { terminal: true, notesAreTTY: true })).code).toBe(0)
  })

  it('replaces an entry that is none of ours only when that is said', async () => {
    const text = '{ "mcpServers": { "demo": { "command": "other", "env": { "KEY": "sk-1" } } } }'
    const file = await desk.write(join(desk.folder, '.mcp.json'), text)
    const refused = await desk.config('claude -p demo')
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('has another entry "demo"')])
    expect(await desk.read(file)).toBe(text)
    expect((await desk.config('claude -p demo --yes')).out).toContain('demo configured')
    expect(JSON.parse(await desk.read(file)).mcpServers.demo).toEqual({
      command: 'mcpctl',
      args: ['mcp', '-p', 'demo'],
    })
    await desk.config('claude -p demo --undo')
    expect(await desk.read(file)).toBe(text)
  })
})

describe('the file', () => {
  it('is left alone when it cannot be parsed, with the place of the fault', async () => {
    const file = await desk.write(join(desk.folder, '.mcp.json'), '{\n  "mcpServers": {\n    oops\n')
    const { code, err } = await desk.config('claude -p demo')
    expect([code, err]).toEqual([1, expect.stringContaining(`${file}:3:5: it is no JSON`)])
    expect(await desk.read(file)).toBe('{\n  "mcpServers": {\n    oops\n')
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))
    expect((await desk.config('claude -p demo')).err).toContain('is no UTF-8')
    await rm(file)
    await mkdir(file)
    expect((await desk.config('claude -p demo')).err).toContain('is no file')
    await rm(file, { recursive: true })
    execFileSync('mkfifo', [file])
    expect((await desk.config('claude -p demo')).err).toContain('is no file')
  })

  it('is not overwritten when it has changed since it was read', async () => {
    const file = await desk.write(join(desk.folder, '.mcp.json'), '{}')
    const answers = {
      get [`Change ${file}?`]() {
        writeFileSync(file, '{"theirs": 1}')
        return 'yes'
      },
    }
    const { code, err } = await desk.config('claude -p demo', { terminal: true, notesAreTTY: true, answers })
    expect([code, err]).toEqual([1, expect.stringContaining('has been changed meanwhile')])
    expect(await desk.read(file)).toBe('{"theirs": 1}')
    expect(await readdir(desk.folder)).toEqual(['.mcp.json', 'me'])
    expect((await desk.config('claude -p demo --undo')).err).toContain('has changed no entry')
  })

  it('holds every entry that was said to be written, however many write at once', async () => {
    const projects = Array.from({ length: 12 }, (_, i) => `p${i}`)
    const ran = await Promise.all(projects.map((project) => desk.config(`claude -p ${project}`)))
    const done = projects.filter((_, i) => ran[i]?.code === 0)
    const { mcpServers } = JSON.parse(await desk.read(join(desk.folder, '.mcp.json')))
    expect(Object.keys(mcpServers).sort()).toEqual(done.sort())
    expect(done.length).toBeGreaterThan(0)
    for (const { code, err } of ran) if (code !== 0) expect(err).toMatch(/changed meanwhile|another mcpctl writes/)
    expect(await readdir(desk.folder)).toEqual(['.mcp.json', 'me'])
  })

  it('keeps its mode and owner, and stays behind its symbolic link', async () => {
    const real = await desk.write(join(desk.folder, 'dotfiles/claude.json'), '{}')
    const link = join(desk.home, '.claude.json')
    await symlink(real, link)
    await chmod(real, 0o640)
    const isRoot = process.getuid?.() === 0
    if (isRoot) await chown(real, 1234, 5678)
    expect((await desk.config('claude -p demo --scope user')).out).toContain(real)
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    const { mode, uid, gid } = await stat(real)
    expect(mode & 0o777).toBe(0o640)
    if (isRoot) expect([uid, gid]).toEqual([1234, 5678])
    expect(await desk.read(real)).toContain('mcpctl')
  })

  it('is made where a link leads, when there is none yet; a link in a circle is refused', async () => {
    const link = join(desk.home, '.claude.json')
    await symlink('dotfiles/claude.json', link)
    expect((await desk.config('claude -p demo --scope user')).code).toBe(0)
    expect(await desk.read(join(desk.home, 'dotfiles/claude.json'))).toContain('mcpctl')
    await rm(link)
    await symlink('.claude.json', link)
    expect((await desk.config('claude -p demo --scope user')).err).toContain('leads nowhere')
  })

  it('in a folder that cannot be written stays as it is', async () => {
    const file = await desk.write(join(desk.folder, 'locked/.claude.json'), '{}')
    await chmod(desk.folder, 0o755)
    await chmod(dirname(file), 0o555)
    await chmod(join(desk.home, '.mcpctl'), 0o777)
    const isRoot = process.geteuid?.() === 0
    if (isRoot) {
      execFileSync('chown', ['-R', '65534', desk.home])
      process.seteuid?.(65_534)
    }
    try {
      const { code, err } = await desk.config('claude -p demo --scope user', {
        env: { CLAUDE_CONFIG_DIR: dirname(file) },
      })
      expect([code, err]).toEqual([1, expect.stringContaining('cannot be written: EACCES')])
      const below = await desk.config('claude -p demo --scope user', {
        env: { CLAUDE_CONFIG_DIR: join(dirname(file), 'a/b') },
      })
      expect([below.code, below.err]).toEqual([1, expect.stringContaining('cannot be written: EACCES')])
    } finally {
      if (isRoot) process.seteuid?.(0)
      await chmod(dirname(file), 0o755)
    }
    expect(await desk.read(file)).toBe('{}')
  })

  it('waits for nobody for ever: a file that a killed mcpctl has left is named', async () => {
    await desk.write(join(desk.folder, '..mcp.json.mcpctl'), '')
    const { code, err } = await desk.config('claude -p demo')
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/another mcpctl writes .*\n.*remove .*\.\.mcp\.json\.mcpctl/),
    ])
  })
})
