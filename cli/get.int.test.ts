import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { World } from './testing/world.ts'

const DEMO = `
servers:
  - { name: everything, labels: { team: core }, packageName: '@modelcontextprotocol/server-everything', version: 1.2.3 }
  - { name: files, command: file-server, replicas: 2 }
projects:
  - { name: demo, description: "A \\e[31mred\\e[0m one", servers: [{ name: everything }, { name: files }] }
`

describe('get', () => {
  let world = new World()
  beforeEach(async () => {
    world = new World()
    await world.start()
    await world.given(DEMO)
  })
  afterEach(() => world.stop())

  it('prints a table like kubectl, without trailing blanks', async () => {
    const { out, err, code } = await world.run(['get', 'servers'])
    expect(out).toBe(
      [
        'NAME         READY   STATUS     HEALTH   SOURCE                                          AGE',
        'everything   0/1     Starting   <none>   @modelcontextprotocol/server-everything@1.2.3   60m',
        'files        0/2     Starting   <none>   file-server                                     60m',
        '',
      ].join('\n'),
    )
    expect([err, code]).toEqual(['', 0])
  })

  it('has more columns with -o wide, and <none> where there is nothing', async () => {
    const { out } = await world.run(['get', 'srv', 'files', '-o', 'wide'])
    expect(out.split('\n')[1]).toMatch(/60m +STDIO +shared +<none>$/)
  })

  it('writes terminal escapes out instead of sending them to the terminal', async () => {
    const { out } = await world.run(['get', 'proj', '-owide'])
    expect(out).toContain('A \\x1b[31mred\\x1b[0m one')
  })

  it('lists several kinds, each with its own table and kind/name', async () => {
    const { out } = await world.run(['get', 'projects,servers,secrets'])
    expect(out).toMatch(/^NAME +SERVERS.*\nproject\/demo .*\n\nNAME +READY.*\nserver\/everything /)
  })

  it('takes kind/name, kind name and several of them', async () => {
    const names = ['server/files', 'project/demo']
    expect((await world.run(['get', ...names, '-o', 'name'])).out).toBe('server/files\nproject/demo\n')
    expect((await world.run(['get', 'SERVER', 'files', 'everything', '-o=name'])).out).toBe(
      'server/files\nserver/everything\n',
    )
  })

  it('filters by label', async () => {
    expect((await world.run(['get', 'servers', '-l', 'team=core', '-o', 'name'])).out).toBe('server/everything\n')
  })

  it('reads every page of a long list', async () => {
    const many = Array.from({ length: 501 }, (_, i) => `  - { name: s${i}, command: x }`).join('\n')
    await world.given(`servers:\n${many}`)
    expect((await world.run(['get', 'servers', '-o', 'name'])).out.trim().split('\n')).toHaveLength(503)
  })

  it('says on stderr that there is nothing, and succeeds', async () => {
    expect(await world.run(['get', 'secrets'])).toEqual({ code: 0, out: '', err: 'No secrets found\n' })
  })

  it('prints one resource as YAML in the order in which people read', async () => {
    const { out } = await world.run(['get', 'project', 'demo', '-o', 'yaml'])
    expect(out).toMatch(/^apiVersion: mcpctl\/v1\nkind: project\nmetadata:\n {2}name: demo\n/)
    expect(out).toMatch(/\nspec:\n {2}description: "A \\e\[31mred\\e\[0m one"\n/)
  })

  it('prints several as a List', async () => {
    const { out } = await world.run(['get', 'servers', '-o', 'json'])
    expect(JSON.parse(out)).toMatchObject({ kind: 'List', items: [{ kind: 'server' }, { kind: 'server' }] })
  })

  it.each([
    ['{.items[*].metadata.name}', 'everything files'],
    ['.items[0].metadata.name', 'everything'],
    ['{range .items[*]}{.metadata.name}={.spec.replicas}{"\\n"}{end}', 'everything=1\nfiles=2\n'],
    ['{.items[?(@.spec.replicas==2)].metadata.name}', 'files'],
    ['{.items[0].metadata.labels}', '{"team":"core"}'],
    ['names: {.items[*].metadata.name}!', 'names: everything files!'],
    ['{.items[*].nothing}', ''],
  ])('evaluates jsonpath %s', async (template, text) => {
    expect((await world.run(['get', 'servers', '-o', `jsonpath=${template}`])).out).toBe(text)
  })

  it('explains a jsonpath that makes no sense', async () => {
    const { code, err } = await world.run(['get', 'servers', '-o', 'jsonpath={.items'])
    expect([code, err]).toEqual([2, expect.stringContaining('a brace is not closed')])
  })

  it('prints those that exist when one does not, and exits with 1', async () => {
    const { code, out, err } = await world.run(['get', 'server', 'everythin', 'files', '-o', 'name'])
    expect([code, out]).toEqual([1, 'server/files\n'])
    expect(err).toBe('error: server/everythin does not exist\nhint: Did you mean "everything"?\n')
  })

  it('filters instances by --server, which is an address only when it looks like one', async () => {
    world.mcpd.store.put('instance', 'files-1', { spec: { server: 'files' }, status: { phase: 'running' } })
    world.mcpd.store.put('instance', 'other-1', { spec: { server: 'other' }, status: { phase: 'running' } })
    const argv = ['get', 'instances', '--server', 'files', '--server', world.mcpd.url, '-o', 'name']
    const elsewhere = { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } }
    expect((await world.run(argv, elsewhere)).out).toBe('instance/files-1\n')
    expect((await world.run(['get', 'servers', '--server', 'files'])).code).toBe(2)
  })

  it('watches: every change is a row, a deletion is said on stderr', async () => {
    const stop = new AbortController()
    let seen = ''
    const onOut = (text: string) => {
      seen += text
    }
    const watching = world.run(['get', 'servers', '--watch', '-o', 'name'], { signal: stop.signal, onOut })
    await vi.waitFor(() => expect(seen).toBe('server/everything\nserver/files\n'))
    await world.given('servers: [{ name: files, command: other }]')
    await vi.waitFor(() => expect(seen).toMatch(/files\nserver\/files\n$/))
    await world.run(['delete', 'project', 'demo'])
    await world.run(['delete', 'server', 'files'])
    await world.given('servers: [{ name: new, command: x }]')
    await vi.waitFor(() => expect(seen).toMatch(/server\/new\n$/))
    stop.abort()
    expect(await watching).toMatchObject({ code: 130, err: 'server/files deleted\n' })
  })

  it('goes on watching over a restart of mcpd', async () => {
    const stop = new AbortController()
    let seen = ''
    const onOut = (text: string) => {
      seen += text
    }
    const watching = world.run(['get', 'projects', '-w', '-o', 'name'], { signal: stop.signal, onOut })
    await vi.waitFor(() => expect(seen).toBe('project/demo\n'))
    let refused = 0
    world.mcpd.intercept = () => {
      refused += 1
      return refused > 2 ? undefined : { status: 503, body: { message: 'Service Unavailable' } }
    }
    world.mcpd.store.wake()
    await vi.waitFor(() => expect(refused).toBeGreaterThan(2))
    world.mcpd.intercept = () => undefined
    await world.given('projects: [{ name: new }]')
    await vi.waitFor(() => expect(seen).toBe('project/demo\nproject/new\n'))
    stop.abort()
    expect(await watching).toMatchObject({ code: 130, err: 'mcpd is starting or stopping; waiting for it\n' })
  })
})
