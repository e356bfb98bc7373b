import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { masterKey } from './master-key.ts'
import { findMasterKey, type MasterKeyEnv } from './master-key-source.ts'

describe('the master key', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'masterkey-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const find = (env: MasterKeyEnv = {}, ...needed: string[]) => findMasterKey(env, folder, new Set(needed))
  const idOf = (bytes: Buffer): string => masterKey(Buffer.from(bytes)).id
  const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), mode)
    return join(folder, name)
  }

  it('is made at the first start, and found at the next', async () => {
    const { keys, where } = await find()
    expect(where).toBe(join(folder, 'master.key'))
    expect((await stat(where)).mode & 0o777).toBe(0o600)
    expect((await find({}, keys.current.id)).keys.current.id).toBe(keys.current.id)
  })

  it('is the same for two that start at once', async () => {
    const all = await Promise.all([find(), find(), find(), find()])
    expect(new Set(all.map(({ keys }) => keys.current.id)).size).toBe(1)
  })

  it('has an id of 16 hex digits that is no part of it', async () => {
    const bytes = randomBytes(32)
    expect(idOf(bytes)).toMatch(/^[0-9a-f]{16}$/)
    expect(bytes.toString('hex')).not.toContain(idOf(bytes))
  })

  it.each(['hex', 'base64', 'base64url'] as const)('is read from MCPCTL_MASTER_KEY in %s', async (encoding) => {
    const bytes = randomBytes(32)
    expect((await find({ MCPCTL_MASTER_KEY: bytes.toString(encoding) })).keys.current.id).toBe(idOf(bytes))
  })

  it('is read from the file MCPCTL_MASTER_KEY_FILE, with its line break', async () => {
    const bytes = randomBytes(32)
    const path = await write('key', `${bytes.toString('base64')}\n`)
    const source = await find({ MCPCTL_MASTER_KEY_FILE: path })
    expect(source.keys.current.id).toBe(idOf(bytes))
    expect(source.replace).toBeUndefined()
  })

  it('counts an empty variable as one that is not set', async () =>
    expect((await find({ MCPCTL_MASTER_KEY: '', MCPCTL_MASTER_KEY_FILE: '' })).where).toBe(join(folder, 'master.key')))

  it('is refused when it comes from two places', () =>
    expect(find({ MCPCTL_MASTER_KEY: 'a', MCPCTL_MASTER_KEY_FILE: 'b' })).rejects.toThrow('are both set'))

  it.each(['hunter2', randomBytes(31).toString('hex'), randomBytes(33).toString('base64')])(
    'is refused when it is not 32 bytes, and is not shown',
    async (text) => {
      const refused = await find({ MCPCTL_MASTER_KEY: text }).catch((error: unknown) => error)
      expect(refused).toMatchObject({ code: 'master-key-invalid' })
      expect(JSON.stringify(refused) + String(refused)).not.toContain(text)
    },
  )

  it.each([0o640, 0o604, 0o620])('is refused in a file of mode %o, with the command that mends it', async (mode) => {
    const path = await write('key', randomBytes(32).toString('base64'), mode)
    await expect(find({ MCPCTL_MASTER_KEY_FILE: path })).rejects.toMatchObject({
      code: 'master-key-exposed',
      details: { hint: expect.stringContaining(`chmod 600 ${path}`) },
    })
  })

  it.each(['', '{', '{"version":2,"current":{}}', '{"version":1,"current":{"id":"0123456789abcdef","key":"AAAA"}}'])(
    'is refused in a damaged file (%s), which is left as it is',
    async (text) => {
      const path = await write('master.key', text)
      await expect(find()).rejects.toMatchObject({ code: 'master-key-invalid' })
      expect(await readFile(path, 'utf8')).toBe(text)
    },
  )

  it('is refused when it is not the one its id says', async () => {
    await find()
    const file = JSON.parse(await readFile(join(folder, 'master.key'), 'utf8'))
    file.current.key = randomBytes(32).toString('base64')
    await write('master.key', JSON.stringify(file))
    await expect(find()).rejects.toThrow(`the key ${file.current.id} in it is damaged`)
  })

  it('is missed when data keys need it, and no new one is made', async () => {
    const missed = find({}, '0123456789abcdef')
    await expect(missed).rejects.toMatchObject({
      code: 'master-key-missing',
      details: { expected: '0123456789abcdef' },
    })
    await expect(stat(join(folder, 'master.key'))).rejects.toThrow('ENOENT')
    const named = find({ MCPCTL_MASTER_KEY_FILE: '/nowhere/key' }, '0123456789abcdef')
    await expect(named).rejects.toThrow('/nowhere/key (MCPCTL_MASTER_KEY_FILE)')
  })

  it('is not made where MCPCTL_MASTER_KEY_FILE points', () =>
    expect(find({ MCPCTL_MASTER_KEY_FILE: join(folder, 'none') })).rejects.toThrow('the file does not exist'))

  it('says what is wrong with the path when it is a folder', () =>
    expect(find({ MCPCTL_MASTER_KEY_FILE: folder })).rejects.toMatchObject({
      code: 'keyring-unavailable',
      message: expect.stringContaining('it is a folder'),
    }))
})
