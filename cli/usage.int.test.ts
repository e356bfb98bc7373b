import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'
import { verbs } from './verbs.ts'

describe('the command line', () => {
  let world = new World()
  beforeEach(async () => {
    world = new World()
    await world.start()
  })
  afterEach(() => world.stop())

  it.each([
    [['gte', 'servers'], 'there is no verb "gte"', 'Did you mean "get"?'],
    [['get', 'sevrers'], 'there is no kind "sevrers"', 'Did you mean "servers"?'],
    [['get', 'servers', '--wach'], 'get has no flag --wach', 'Did you mean "--watch"?'],
    [['get', 'servers', '-o', 'yml'], 'there is no output format "yml"', 'Did you mean "yaml"?'],
    [['create', 'server', 'x', '--pakage', 'y'], 'create has no flag --pakage', 'Did you mean "--package"?'],
    [['completion', 'bsh'], 'shell cannot be "bsh"', 'Did you mean "bash"?'],
    [['admin', 'rebuidl'], 'there is no verb "admin rebuidl"', 'Did you mean "admin rebuild"?'],
  ])('%j: says what was probably meant and exits with 2', async (argv, message, hint) => {
    expect(await world.run(argv)).toEqual({ code: 2, out: '', err: `error: ${message}\nhint: ${hint}\n` })
  })

  it.each(['--help', '-h'])('shows the verbs of a family at %s', async (flag) => {
    const { code, out } = await world.run(['config', flag])
    expect(code).toBe(0)
    expect(out).toContain('config claude')
    expect(out).not.toContain('get ')
  })

  it.each([
    [['get'], 'get needs TARGETS'],
    [['apply'], 'apply needs --filename'],
    [['delete', 'servers'], 'which servers?'],
    [['describe', 'server', 'a', '--events', 'many'], '--events must be a number'],
    [['version', 'now'], 'version does not know what to do with "now"'],
    [['get', 'server/a/b'], '"server/a/b" is no KIND/NAME'],
    [['get', 'servers', '--server', 'localhost'], '--server goes with instances only'],
    [['status', '--server', 'localhost:3100'], 'is no http:// or https:// address'],
    [['logs', 'a', '--since', 'yesterday'], '--since cannot be "yesterday"'],
  ])('%j is wrong usage: nothing is sent', async (argv, message) => {
    const { code, err } = await world.run(argv)
    expect([code, err]).toEqual([2, expect.stringContaining(message)])
    expect(world.mcpd.requests).toEqual([])
  })

  it('takes --dry-run without a value as the one of the client', async () => {
    const { code, out } = await world.run(['create', 'server', 'a', '--command', 'x', '--dry-run', '-o', 'name'])
    expect([code, out]).toEqual([0, 'server/a\n'])
    expect(await world.run(['create', 'server', 'a', '--command', 'x', '--dry-run'])).toMatchObject({
      out: 'server/a created (dry run)\n',
    })
    expect(await world.run(['create', 'server', 'a', '--command', 'x', '--dry-run', 'maybe'])).toMatchObject({
      code: 2,
    })
    expect((await world.run(['get', 'servers', '-o', 'name'])).out).toBe('')
  })

  it('exits with 3 when mcpd does not answer, and says how to start it', async () => {
    const { code, err } = await world.run(['get', 'servers'], { env: { MCPCTL_SERVER: 'http://127.0.0.1:9' } })
    expect([code, err]).toEqual([
      3,
      'error: mcpd does not answer at http://127.0.0.1:9\nhint: Start it with "mcpctl up", or say where it is with --server or MCPCTL_SERVER\n',
    ])
  })

  it('exits with 4 when nobody is logged in', async () => {
    const { code, err } = await world.run(['get', 'servers'], { env: { MCPCTL_TOKEN: '' } })
    expect([code, err]).toEqual([4, expect.stringContaining('mcpctl login')])
  })

  it('exits with 130 when it is interrupted', async () => {
    expect(await world.run(['get', 'servers'], { signal: AbortSignal.abort() })).toEqual({
      code: 130,
      out: '',
      err: '',
    })
  })

  it('tells another program from mcpd', async () => {
    world.mcpd.intercept = () => ({ status: 404, body: 'nothing here' })
    const { code, err } = await world.run(['get', 'servers'])
    world.mcpd.intercept = () => undefined
    expect([code, err]).toEqual([1, expect.stringContaining('is not mcpd (HTTP 404')])
  })

  it('waits as long as mcpd asks when it is busy, and repeats a change under one key', async () => {
    let busy = 2
    world.mcpd.intercept = ({ method }) => {
      if (method !== 'POST' || busy === 0) return undefined
      busy -= 1
      return { status: 429, body: { code: 'too-many-requests', detail: 'slow down' }, headers: { 'retry-after': '2' } }
    }
    const { code, err } = await world.run(['create', 'server', 'x', '--command', 'y'])
    world.mcpd.intercept = () => undefined
    expect([code, err]).toEqual([0, 'mcpd: slow down; trying again in 2.1 s\n'.repeat(2)])
    expect(world.slept).toEqual([2125, 2125])
    const keys = world.mcpd.requests
      .filter(({ method }) => method === 'POST')
      .map(({ headers }) => headers['idempotency-key'])
    expect([keys.length, new Set(keys).size]).toEqual([3, 1])
  })

  it('gives up after a bounded number of attempts', async () => {
    world.mcpd.intercept = () => ({ status: 429, body: { code: 'too-many-requests', detail: 'slow down' } })
    const before = world.mcpd.requests.length
    expect((await world.run(['get', 'servers'])).code).toBe(1)
    world.mcpd.intercept = () => undefined
    expect(world.mcpd.requests.length - before).toBe(6)
  })

  it('prints exit codes in its help', async () => {
    const { code, out } = await world.run(['--help'])
    expect([code, out]).toEqual([0, expect.stringMatching(/Exit codes:[\s\S]*130 {2}interrupted/)])
  })

  it.each(verbs.map(({ path }) => path))('%s has help with at least one example', async (path) => {
    const { code, out } = await world.run([...path.split(' '), '--help'])
    expect([code, out]).toEqual([0, expect.stringMatching(/Examples:\n/)])
  })

  it('shows the flags of a kind in the help of create', async () => {
    expect((await world.run(['create', 'server', '--help'])).out).toContain('--env-from')
  })

  it('reads address and token from its file, and lets the environment come first', async () => {
    const home = join(world.folder, 'home')
    await mkdir(home)
    await writeFile(join(home, 'config.json'), JSON.stringify({ server: 'http://127.0.0.1:9', token: 'from-the-file' }))
    const env = { MCPCTL_SERVER: undefined, MCPCTL_TOKEN: undefined }
    const { out } = await world.run(['config', 'view'], { env })
    expect(out).toMatch(
      /server: +http:\/\/127\.0\.0\.1:9\nmcplocal: +http:\/\/127\.0\.0\.1:3200\ntoken: +from the file\n/,
    )
    expect(out).not.toContain('from-the-file')
    expect((await world.run(['get', 'servers'], { env })).code).toBe(3)
    expect((await world.run(['get', 'servers'])).code).toBe(0)
  })

  it('does not print what stands in a broken configuration', async () => {
    const home = join(world.folder, 'home')
    await mkdir(home)
    await writeFile(join(home, 'config.json'), '{"token": "geheim')
    const { code, err } = await world.run(['get', 'servers'])
    expect(code).toBe(1)
    expect(err).toContain('config.json cannot be used: it is no JSON')
    expect(err).not.toContain('geheim')
  })
})
