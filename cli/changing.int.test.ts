import { readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { World } from './testing/world.ts'

const SERVER = 'kind: server\nmetadata: { name: a, labels: { team: core } }\nspec: { command: x }\n'
const PROJECT = 'kind: project\nmetadata: { name: p }\nspec: { servers: [{ name: a }] }\n'

let world = new World()
beforeEach(async () => {
  world = new World()
  await world.start()
})
afterEach(() => world.stop())

describe('diff', () => {
  const diff = (text: string) => world.run(['diff', '-f', '-'], { stdin: text })

  it('exits with 0 and says nothing when nothing differs', async () => {
    await world.given(SERVER)
    expect(await diff(SERVER)).toEqual({ code: 0, out: '', err: '' })
  })

  it('exits with 1 and shows a unified diff of what applying would change', async () => {
    await world.given(SERVER)
    const { code, out } = await diff(SERVER.replace('command: x', 'command: y'))
    expect(code).toBe(1)
    expect(out).toMatch(/^--- live\/server\/a\n\+\+\+ applied\/server\/a\n@@ /)
    expect(out).toContain('-  command: x\n')
    expect(out).toContain('+  command: y\n')
    expect((await world.run(['get', 'server', 'a', '-o', 'jsonpath={.spec.command}'])).out).toBe('x')
  })

  it('shows all of a new resource, also one that refers to another new one', async () => {
    const { code, out } = await diff(`${PROJECT}---\n${SERVER}`)
    expect(code).toBe(1)
    expect(out).toContain('--- /dev/null\n+++ applied/server/a\n')
    expect(out).toContain('+  name: p\n')
  })

  it('exits with more than 1 when it cannot say', async () => {
    expect((await diff('kind: server\nspec: {}\n')).code).toBe(2)
    world.mcpd.intercept = ({ method }) =>
      method === 'PUT'
        ? { status: 503, body: { code: 'log-unavailable', detail: 'the log does not answer' } }
        : undefined
    await expect(diff(SERVER)).resolves.toMatchObject({
      code: 2,
      err: expect.stringContaining('the log does not answer'),
    })
  })

  it('says that the values of a secret differ without showing them', async () => {
    const secret = (value: string) => `secrets: [{ name: s, backend: default, data: { K: ${value} } }]`
    await world.given(secret('before-value'))
    const { code, out } = await diff(secret('after-value'))
    expect([code, out]).toEqual([1, expect.stringContaining('+# values change; they are not shown\n')])
    expect(out).not.toMatch(/before-value|after-value/)
  })
})

describe('edit', () => {
  /** An editor that replaces `from` by `to`. */
  const editor = (from: string, to: string) => async (_program: string, args: readonly string[]) => {
    const file = args.at(-1) ?? ''
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to))
    return 0
  }
  const edit = (execute: (program: string, args: readonly string[]) => Promise<number>) =>
    world.run(['edit', 'server/a'], { execute, env: { EDITOR: 'code --wait' } })
  beforeEach(() => world.given(SERVER))

  it('opens $EDITOR with its arguments on the manifest and saves what it left', async () => {
    let opened: readonly string[] = []
    const ran = await edit(async (program, args) => {
      opened = [program, ...args.slice(0, -1)]
      return await editor('command: x', 'command: y')(program, args)
    })
    expect(ran).toEqual({ code: 0, out: 'server/a edited\n', err: '' })
    expect(opened).toEqual(['sh', '-c', 'code --wait "$@"', 'code --wait'])
    expect(world.mcpd.requests.at(-1)).toMatchObject({ method: 'PUT', headers: { 'if-match': '"0"' } })
  })

  it('does nothing when the file is left as it is', async () => {
    expect(await edit(async () => 0)).toEqual({ code: 0, out: '', err: 'Edit cancelled, no changes made.\n' })
  })

  it.each([
    ['a field that is wrong', editor('command: x', 'comand: x'), 'spec.comand: there is no such field'],
    ['YAML that is broken', editor('spec:', 'spec: ['), '.yaml:'],
    ['another name', editor('name: a', 'name: b'), 'metadata.name: must stay a'],
    ['an editor that fails', async () => 3, 'code --wait ended with code 3'],
  ])('keeps the file of %s and says where it is', async (_, execute, message) => {
    const { code, err } = await edit(execute)
    expect([code, err]).toEqual([1, expect.stringContaining(message)])
    const kept = /Your text is kept in (\S+)/.exec(err)?.[1] ?? ''
    expect(await readFile(kept, 'utf8')).toContain('kind: server')
    const { rm } = await import('node:fs/promises')
    await rm(dirname(kept), { recursive: true })
  })

  it('does not overwrite what someone else changed meanwhile, and keeps the file', async () => {
    const { code, err } = await edit(async (program, args) => {
      await world.given(SERVER.replace('command: x', 'command: z'))
      return await editor('command: x', 'command: y')(program, args)
    })
    expect([code, err]).toEqual([1, expect.stringMatching(/is at revision 1, not 0\nYour text is kept in /)])
    const { rm } = await import('node:fs/promises')
    await rm(dirname(/kept in (\S+)/.exec(err)?.[1] ?? ''), { recursive: true })
  })
})

describe('delete', () => {
  beforeEach(() => world.given(`${SERVER}---\n${PROJECT}`))

  it('returns when the resource is gone from reads', async () => {
    world.mcpd.lingering = 3
    expect(await world.run(['delete', 'project/p'])).toEqual({ code: 0, out: 'project/p deleted\n', err: '' })
    expect(world.slept).toEqual([100, 100, 100])
  })

  it('deletes nothing for an empty selector', async () => {
    const { code, err } = await world.run(['delete', 'projects', '-l', ''])
    expect([code, err]).toEqual([2, expect.stringContaining('--selector is empty')])
    expect((await world.run(['get', 'projects', '-o', 'name'])).out).toContain('project/p')
  })

  it('does not wait with --no-wait, and not longer than --timeout', async () => {
    world.mcpd.lingering = 1000
    expect((await world.run(['delete', 'project', 'p', '--no-wait'])).code).toBe(0)
    expect(world.slept).toEqual([])
    await world.given(PROJECT.replace('name: p ', 'name: r '))
    expect((await world.run(['delete', 'project', 'r', '--wait=false'])).code).toBe(0)
    expect(world.slept).toEqual([])
    await world.given(PROJECT.replace('name: p ', 'name: q '))
    const { code, err } = await world.run(['delete', 'project', 'q', '--timeout', '1s'])
    expect([code, err]).toEqual([1, expect.stringContaining('still there after 1 s')])
  })

  it('deletes what a manifest declares, what refers to others first', async () => {
    const { out } = await world.run(['delete', '-f', '-'], { stdin: `${SERVER}---\n${PROJECT}` })
    expect(out).toBe('project/p deleted\nserver/a deleted\n')
  })

  it('deletes by label', async () => {
    expect((await world.run(['delete', 'servers', '-l', 'team=core'])).out).toBe('server/a deleted\n')
    expect((await world.run(['delete', 'servers', '-l', 'team=core'])).err).toBe('No resources found\n')
  })

  it('goes on after one that does not exist, unless that is to be ignored', async () => {
    expect(await world.run(['delete', 'server', 'aa', 'a'])).toEqual({
      code: 1,
      out: 'server/a deleted\n',
      err: 'error: server/aa does not exist\nhint: Did you mean "a"?\n',
    })
    expect((await world.run(['delete', 'server', 'aa', '--ignore-not-found'])).code).toBe(0)
  })

  it.each(['client', 'server'])('deletes nothing with --dry-run=%s', async (mode) => {
    expect((await world.run(['delete', 'server', 'a', `--dry-run=${mode}`])).out).toContain('dry run')
    expect((await world.run(['get', 'server', 'a', '-o', 'name'])).out).toBe('server/a\n')
  })
})
