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
