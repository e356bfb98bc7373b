import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

const SERVER = 'apiVersion: mcpctl/v1\nkind: server\nmetadata: { name: a }\nspec: { command: x }\n'
const PROJECT = 'kind: project\nmetadata:\n  name: p\nspec:\n  servers:\n    - name: a\n'

describe('apply', () => {
  let world = new World()
  const apply = (text: string, ...flags: string[]) => world.run(['apply', '-f', '-', ...flags], { stdin: text })
  beforeEach(async () => {
    world = new World()
    await world.start()
  })
  afterEach(() => world.stop())

  it('creates what others refer to first, whatever the order of the documents', async () => {
    expect(await apply(`${PROJECT}---\n${SERVER}`)).toEqual({
      code: 0,
      out: 'server/a created\nproject/p created\n',
      err: '',
    })
  })

  it('says unchanged and configured', async () => {
    await apply(SERVER)
    expect((await apply(SERVER)).out).toBe('server/a unchanged\n')
    expect((await apply(SERVER.replace('x', 'y'))).out).toBe('server/a configured\n')
  })

  it('takes the grouped form, JSON, a List and empty documents', async () => {
    const grouped = 'servers:\n  - name: a\n    labels: { team: core }\n    command: x\n'
    const json = JSON.stringify({
      kind: 'List',
      items: [{ kind: 'server', metadata: { name: 'b' }, spec: { command: 'y' } }],
    })
    expect((await apply(`---\n${grouped}---\n# nothing\n---\n${json}`)).out).toBe(
      'server/a created\nserver/b created\n',
    )
    expect((await world.run(['get', 'servers', '-l', 'team=core', '-o', 'name'])).out).toBe('server/a\n')
  })

  it('takes anchors and merge keys', async () => {
    const text = 'servers:\n  - &a { name: a, command: x, replicas: 2 }\n  - { <<: *a, name: b }\n'
    expect((await apply(text)).out).toBe('server/a created\nserver/b created\n')
    expect((await world.run(['get', 'server/b', '-o', 'jsonpath={.spec.replicas}'])).out).toBe('2')
  })

  it('reads folders with all that is below them, and several -f', async () => {
    await mkdir(join(world.folder, 'm/deep'), { recursive: true })
    await world.file('m/b.yml', SERVER.replace('name: a', 'name: b'))
    await world.file(
      'm/deep/c.json',
      JSON.stringify({ kind: 'server', metadata: { name: 'c' }, spec: { command: 'x' } }),
    )
    await world.file('m/readme.md', 'no manifest')
    const single = await world.file('a.yaml', SERVER)
    const { out } = await world.run(['apply', '-f', join(world.folder, 'm'), '-f', single])
    expect(out).toBe('server/b created\nserver/c created\nserver/a created\n')
  })

  it.each(['server/a', 'project/p', 'secret/s', 'secretbackend/vault'])(
    'changes nothing when %s is read as YAML and applied',
    async (target) => {
      await apply(
        `${SERVER}---\n${PROJECT}---\nsecrets: [{ name: s, data: { K: v } }]\nsecretbackends: [{ name: vault, type: encrypted }]\n`,
      )
      const { out } = await world.run(['get', target, '-o', 'yaml'])
      expect(await apply(out)).toEqual({ code: 0, out: `${target} unchanged\n`, err: '' })
    },
  )

  it('changes nothing when a whole list is read and applied', async () => {
    await apply(`${SERVER}---\n${PROJECT}`)
    const { out } = await world.run(['get', 'servers,projects', '-o', 'yaml'])
    expect((await apply(out)).out).toBe('server/a unchanged\nproject/p unchanged\n')
  })

  it('copies a resource whose name was changed in between', async () => {
    await apply(`${SERVER}---\n${PROJECT}`)
    const { out } = await world.run(['get', 'project', 'p', '-o', 'yaml'])
    expect((await apply(out.replace('name: p', 'name: copy'))).out).toBe('project/copy created\n')
  })

  it.each([
    ['broken YAML', 'kind: server\nmetadata: {name: a\nspec: 1\n', /^error: <stdin>:3:1: /],
    ['a key twice', 'kind: server\nkind: project\n', /^error: <stdin>:2:1: Map keys must be unique/],
    [
      'a wrong field',
      'kind: server\nmetadata: {name: a}\nspec:\n  comand: x\n  command: x\n',
      /^error: <stdin>:4:3: server\/a: spec\.comand: there is no such field/,
    ],
    [
      'a wrong value',
      'kind: server\nmetadata: {name: a}\nspec:\n  command: x\n  replicas: many\n',
      /^error: <stdin>:5:3: server\/a: spec\.replicas: Invalid input/,
    ],
    [
      'a wrong field in a group',
      'servers:\n  - name: a\n    command: x\n    replicas: -1\n',
      /^error: <stdin>:4:5: server\/a: spec\.replicas: /,
    ],
    [
      'a wrong name',
      'kind: server\nmetadata:\n  name: Not_OK\nspec: {command: x}\n',
      /^error: <stdin>:3:3: server\/Not_OK: metadata\.name: must be 1 to 63/,
    ],
    ['a missing kind', 'metadata: {name: a}\nspec: {}\n', /^error: <stdin>:1:1: kind: is missing/],
    [
      'an unknown kind',
      'kind: sever\nmetadata: {name: a}\n',
      /^error: <stdin>:1:1: kind: there is no kind "sever"; did you mean "server"\?/,
    ],
    [
      'an unknown member',
      'kind: server\nmetadata: {name: a}\nspecs: {}\n',
      /^error: <stdin>:3:1: specs: is not a member of a resource; did you mean "spec"\?/,
    ],
    ['a kind that is made by mcpd', 'kind: instance\nmetadata: {name: a}\n', /instances are made by mcpd/],
    ['a scalar', 'hello\n', /^error: <stdin>:1:1: must be a resource/],
    [
      'a bomb of aliases',
      `a: &a [1,1,1,1,1,1,1,1,1]\n${'bcdefg'
        .split('')
        .map((k, i) => `${k}: &${k} [${`*${'abcdef'[i]},`.repeat(9)}]`)
        .join('\n')}\n`,
      /Excessive alias count/,
    ],
    [
      'what is nested too deep',
      `a: ${'['.repeat(3_000)}${']'.repeat(3_000)}`,
      /^error: <stdin>:1:\d+: is nested too deep/,
    ],
    ['lists in lists in lists', `${'- '.repeat(5_000)}x`, /^error: <stdin>:1:\d+: is nested too deep/],
    ['a tag that nobody knows', `${SERVER}status: !!js/function "x"\n`, /^error: <stdin>:5:9: Unresolved tag: /],
    ['a resource twice', `${SERVER}---\n${SERVER}`, /^error: <stdin>:6:1: server\/a: stands in <stdin>:1:1, too/],
    ['nothing at all', '', /^error: there is no resource in -/],
  ])('refuses %s, naming the place, and sends nothing', async (_, text, message) => {
    const { code, out, err } = await apply(text)
    expect(err).toMatch(message)
    expect([code === 1 || code === 2, out, world.mcpd.requests]).toEqual([true, '', []])
  })

  it('names the file, and checks all files before anything is sent', async () => {
    const good = await world.file('a.yaml', SERVER)
    const bad = await world.file('b.yaml', 'kind: server\nmetadata: {name: b}\nspec: {}\n')
    const { code, err } = await world.run(['apply', '-f', good, '-f', bad])
    expect([code, err]).toEqual([
      2,
      `error: ${bad}:3:1: server/b: spec.packageName: needs one of packageName, dockerImage, command and externalUrl\n`,
    ])
    expect(world.mcpd.requests).toEqual([])
  })

  it('explains a file that is not there, and does not fetch from the network', async () => {
    expect(await world.run(['apply', '-f', '/no/such.yaml'])).toMatchObject({
      code: 1,
      err: 'error: /no/such.yaml cannot be read: there is no such file or folder\n',
    })
    expect((await world.run(['apply', '-f', 'https://example.com/x.yaml'])).err).toContain('curl -fsSL')
  })

  it('goes on after a resource that mcpd refuses, and exits with 1', async () => {
    const { code, out, err } = await apply(`${PROJECT}---\n${SERVER.replace('name: a', 'name: b')}`)
    expect([code, out]).toEqual([1, 'server/b created\n'])
    expect(err).toBe('error: <stdin>:1:1: project/p: server/a does not exist\nhint: Create it first\n')
  })

  it('stops when mcpd goes away', async () => {
    await world.mcpd.stop()
    expect(await apply(`${PROJECT}---\n${SERVER}`)).toMatchObject({ code: 3, out: '' })
    await world.mcpd.start()
  })

  it('tries out what refers to others of the same manifests, which do not exist yet', async () => {
    expect(await apply(`${PROJECT}---\n${SERVER}`, '--dry-run=server')).toEqual({
      code: 0,
      out: 'server/a created (server dry run)\nproject/p created (server dry run)\n',
      err: '',
    })
    expect((await apply(PROJECT, '--dry-run=server')).code).toBe(1)
  })

  it.each([
    ['server', ' (server dry run)'],
    ['client', ' (dry run)'],
  ])('writes nothing with --dry-run=%s', async (mode, mark) => {
    expect((await apply(SERVER, `--dry-run=${mode}`)).out).toBe(`server/a created${mark}\n`)
    expect((await world.run(['get', 'servers'])).out).toBe('')
    await apply(SERVER)
    expect((await apply(SERVER, '--dry-run', mode)).out).toBe(`server/a unchanged${mark}\n`)
    expect((await apply(SERVER.replace('x', 'y'), '--dry-run', mode)).out).toBe(`server/a configured${mark}\n`)
    expect((await apply(SERVER)).out).toBe('server/a unchanged\n')
  })
})
