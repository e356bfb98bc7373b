import { access, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clients } from './clients.ts'
import { Desk } from './testing/desk.ts'

let desk = new Desk()
beforeEach(async () => {
  desk = new Desk()
  await desk.start()
})
afterEach(() => desk.stop())

const NOTE = 'sk-of-somebody-else'
const DOCUMENTS = {
  json: `\ufeff{\r\n\t// ${NOTE}\r\n\t"KEY": {\r\n\t\t"x": {"env": {"K": "${NOTE}"}}, // mine\r\n\t},\r\n}`,
  toml: `\ufeffmodel = "o3" # ${NOTE}\r\n[KEY.x]\r\ncommand = "c"\r\n[KEY.x.env]\r\nK = "${NOTE}"\r\n\r\n[tui]\r\na = 1`,
}

/** Every file below a folder, with its text. */
const filesBelow = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name))
}

describe.each(clients.flatMap((client) => Object.keys(client.files).map((scope) => [client, scope] as const)))(
  'of $name, $scope',
  (client, scope) => {
    const line = `${client.name} --scope ${scope}`
    const http = typeof client.connect === 'string' ? '' : ' --http'
    const fileOf = async (): Promise<string> =>
      /Merge this into (.*)\n/.exec((await desk.config(`${line} -p demo --print`)).err)?.[1] ?? ''

    it('gives the file back to the byte, step by step', async () => {
      const before = DOCUMENTS[client.format].replaceAll('KEY', client.entries({})[0] ?? '')
      const file = await desk.write(await fileOf(), before)
      for (const step of ['-p demo', `-p demo${http} --name other`, '-p more'])
        expect((await desk.config(`${line} ${step}`)).code).toBe(0)
      const between = await desk.read(file)
      if (http !== '') await desk.config(`${line} -p demo --http`)
      if (http !== '') await desk.config(`${line} -p demo --undo`)
      expect(await desk.read(file)).toBe(between)
      for (const step of ['-p more', '-p demo --name other', '-p demo'])
        expect((await desk.config(`${line} ${step} --undo`)).out).toContain(' undone in ')
      expect(await desk.read(file)).toBe(before)
      expect((await desk.config(`${line} -p demo --undo`)).code).toBe(1)
    })

    it('leaves no trace of what it has made', async () => {
      const before = await filesBelow(desk.folder)
      const folders = await readdir(desk.folder)
      await desk.config(`${line} -p demo`)
      await desk.config(`${line} -p demo --undo`)
      await expect(access(await fileOf())).rejects.toThrow()
      expect(await filesBelow(desk.folder)).toEqual(before)
      expect(await readdir(desk.folder)).toEqual(folders)
    })

    it('takes only the entry out of a file that has changed since', async () => {
      const before = DOCUMENTS[client.format].replaceAll('KEY', client.entries({})[0] ?? '')
      const file = await desk.write(await fileOf(), before)
      await desk.config(`${line} -p demo`)
      await desk.write(file, (await desk.read(file)).replaceAll('"o3"', '"o4"').replace('// mine', '// yours'))
      const { out } = await desk.config(`${line} -p demo --undo`)
      expect(out).toContain(' removed in ')
      expect((await desk.read(file)).trim()).toBe(
        before.replaceAll('"o3"', '"o4"').replace('// mine', '// yours').trim(),
      )
    })

    it('keeps no secret of others, and what it keeps for nobody else to read', async () => {
      const before = DOCUMENTS[client.format].replaceAll('KEY', client.entries({})[0] ?? '')
      await desk.write(await fileOf(), before)
      await desk.config(`${line} -p demo`)
      const kept = join(desk.home, '.mcpctl/client-changes')
      expect((await stat(kept)).mode & 0o777).toBe(0o700)
      const files = await filesBelow(kept)
      expect(files).toHaveLength(1)
      for (const file of files) {
        expect((await stat(file)).mode & 0o777).toBe(0o600)
        expect(await desk.read(file)).not.toContain(NOTE)
      }
    })
  },
)

describe('of an entry that stood there before', () => {
  it.each([
    [
      'claude',
      '.mcp.json',
      '{ "mcpServers": { "demo": { "command": "theirs", "env": { "K": "sk-1" } } } }',
      '"theirs"',
    ],
    [
      'codex',
      'me/.codex/config.toml',
      '[mcp_servers.demo]\ncommand = "theirs" # c\n[mcp_servers.demo.env]\nK = "sk-1"\n',
      '# c',
    ],
    [
      'codex',
      'me/.codex/config.toml',
      '[mcp_servers]\ndemo = { command = "theirs", startup_timeout_sec = 1.5 }\n',
      '1.5',
    ],
  ])('%s puts it back, also into a file that has changed since', async (client, name, before, mark) => {
    const file = await desk.write(join(desk.folder, name), before)
    await desk.config(`${client} -p demo --yes`)
    expect(await desk.read(file)).not.toContain('theirs')
    await desk.write(file, `${await desk.read(file)}\n`)
    const { out, err } = await desk.config(`${client} -p demo --undo`)
    expect(out).toContain('put back as it was before')
    expect(err).not.toContain('sk-1')
    expect((await desk.read(file)).trim()).toBe(before.trim())
    expect(await desk.read(file)).toContain(mark)
  })

  it('does so even where the whole place for entries has gone', async () => {
    const file = await desk.write(
      join(desk.folder, '.mcp.json'),
      '{ "mcpServers": { "demo": { "command": "theirs" } } }',
    )
    await desk.config('claude -p demo --yes')
    await desk.write(file, '{}')
    await desk.config('claude -p demo --undo')
    expect(JSON.parse(await desk.read(file))).toEqual({ mcpServers: { demo: { command: 'theirs' } } })
  })
})

describe('undoing', () => {
  it('only shows with --dry-run, and asks at a terminal', async () => {
    const file = join(desk.folder, '.mcp.json')
    await desk.config('claude -p demo')
    const shown = await desk.config('claude -p demo --undo --dry-run')
    expect(shown.out).toContain('+++ /dev/null')
    const no = await desk.config('claude -p demo --undo', { terminal: true, notesAreTTY: true, answers: {} })
    expect(no.code).toBe(1)
    await access(file)
    await desk.config('claude -p demo --undo', {
      terminal: true,
      notesAreTTY: true,
      answers: { [`Change ${file}?`]: 'yes' },
    })
    await expect(access(file)).rejects.toThrow()
  })

  it('has nothing to do where the entry is gone', async () => {
    const file = join(desk.folder, '.mcp.json')
    await desk.config('claude -p demo')
    await desk.write(file, '{"a": 1}')
    expect((await desk.config('claude -p demo --undo')).out).toContain('already gone')
    expect(await desk.read(file)).toBe('{"a": 1}')
  })

  it('refuses a record that is none, and says which file it is', async () => {
    await desk.config('claude -p demo')
    const [record = ''] = await filesBelow(join(desk.home, '.mcpctl/client-changes'))
    await desk.write(record, '{"changes": 3}')
    const { code, err } = await desk.config('claude -p demo --undo')
    expect([code, err]).toEqual([1, expect.stringContaining(`${record} is no record of changes`)])
  })
})

it('changes nothing where no record can be kept', async () => {
  await desk.write(join(desk.home, '.mcpctl/client-changes'), 'a file')
  const { code, err } = await desk.config('cursor -p demo')
  expect([code, err]).toEqual([1, expect.stringContaining('the record of changes')])
  expect(err).toContain('MCPCTL_HOME')
  await expect(access(join(desk.home, '.cursor/mcp.json'))).rejects.toThrow()
})
