import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Desk } from './testing/desk.ts'

let desk = new Desk()
beforeEach(async () => {
  desk = new Desk()
  await desk.start()
})
afterEach(() => desk.stop())

describe('config list', () => {
  it('shows the clients that are there, and the projects that they reach', async () => {
    await mkdir(join(desk.home, '.codeium/windsurf'), { recursive: true })
    await desk.write(
      join(desk.home, '.codex/config.toml'),
      '[mcp_servers.github]\ncommand = "npx"\nargs = ["mcp", "-p", "x"]\n',
    )
    await desk.config('claude -p demo')
    await desk.config('claude -p more --http --name second')
    const { code, out } = await desk.config('list')
    const rows = out.split('\n').map((line) => line.split(/ {2,}/))
    expect(code).toBe(0)
    expect(rows).toEqual([
      ['CLIENT', 'SCOPE', 'ENTRY', 'PROJECT', 'TRANSPORT', 'FILE'],
      ['claude', 'project', 'demo', 'demo', 'stdio', join(desk.folder, '.mcp.json')],
      ['claude', 'project', 'second', 'more', 'http', join(desk.folder, '.mcp.json')],
      ['windsurf', 'user', '<none>', '<none>', '<none>', join(desk.home, '.codeium/windsurf/mcp_config.json')],
      ['codex', 'user', '<none>', '<none>', '<none>', join(desk.home, '.codex/config.toml')],
      [''],
    ])
  })

  it('knows its own entries in every client', async () => {
    const names = ['claude', 'claude-desktop', 'cursor', 'vscode', 'windsurf', 'codex', 'gemini', 'opencode']
    for (const name of names) {
      await desk.config(`${name} -p demo`)
      await desk.config(`${name} -p demo --http --name far`)
    }
    const found: { client: string; entries: unknown[] }[] = JSON.parse((await desk.config('list -o json')).out)
    expect(found.map(({ client }) => client)).toEqual(names)
    for (const { client, entries } of found) expect(entries).toHaveLength(client === 'claude-desktop' ? 1 : 2)
  })

  it('says which file cannot be read, and shows the others', async () => {
    await desk.write(join(desk.folder, '.mcp.json'), '{')
    await desk.config('cursor -p demo')
    const { code, out, err } = await desk.config('list')
    expect([code, err]).toEqual([1, expect.stringContaining('.mcp.json:1:2: it is no JSON')])
    expect(out).toContain('cursor')
  })

  it('shows nothing where nothing is, and all that it knows with --all', async () => {
    expect((await desk.config('list')).err).toContain('No client is there')
    expect((await desk.config('list --all')).out.split('\n')).toHaveLength(16)
  })
})
