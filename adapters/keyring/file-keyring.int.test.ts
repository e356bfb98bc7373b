import { randomUUID } from 'node:crypto'
import { link, mkdtemp, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../domain/kernel/clock.ts'
import type { Keyring } from '../../domain/secret/keyring.ts'
import { openFileKeyStore } from './file-keyring.ts'
import { openKeyring } from './keyring.ts'
import { filesIn, filesWith } from './testing/bytes-on-disk.ts'
import { keyringContract } from './testing/keyring-contract.ts'
import { silent } from './testing/keyring-under-test.ts'

keyringContract('files', async () => {
  const dataFolder = await mkdtemp(join(tmpdir(), 'keyring-'))
  return {
    dataFolder,
    store: () => openFileKeyStore({ dataFolder }),
    close: () => rm(dataFolder, { recursive: true }),
  }
})

describe('data keys in files', () => {
  let dataFolder: string
  beforeEach(async () => {
    dataFolder = await mkdtemp(join(tmpdir(), 'keyring-'))
  })
  afterEach(() => rm(dataFolder, { recursive: true }))

  const start = async (): Promise<Keyring> =>
    openKeyring({
      store: await openFileKeyStore({ dataFolder }),
      dataFolder,
      env: {},
      clock: systemClock,
      logger: silent,
      record: async () => {},
    })
  const keyPath = (uid: string): string => join(dataFolder, 'keys', `${uid}.json`)
  const wrappedBytes = async (uid: string): Promise<Buffer> =>
    Buffer.from(JSON.parse(await readFile(keyPath(uid), 'utf8')).ciphertext, 'base64')

  it('are for their owner alone', async () => {
    const uid = randomUUID()
    await (await start()).create(uid)
    for (const [path, mode] of [
      [keyPath(uid), 0o600],
      [join(dataFolder, 'keys'), 0o700],
      [join(dataFolder, 'master.key'), 0o600],
    ] as const)
      expect((await stat(path)).mode & 0o777, path).toBe(mode)
  })

  it('leave no value anywhere, in no form, through their whole life', async () => {
    const canary = 'c4n4ry/vàlue+with "all" of it'
    const uid = randomUUID()
    const keyring = await start()
    const key = await keyring.create(uid)
    const sealed = key.seal('K', canary)
    key.holds('K', sealed, canary)
    await keyring.rotate(async () => {})
    ;(await keyring.open(uid)).open('K', sealed)
    expect((await filesIn(dataFolder)).size).toBe(2)
    expect(await filesWith(dataFolder, Buffer.from(canary))).toEqual([])
  })

  it('are on disk in wrapped form until they are destroyed, and in no form after that', async () => {
    const keyring = await start()
    const [uid, other] = [randomUUID(), randomUUID()]
    await keyring.create(uid)
    await keyring.create(other)
    const before = await wrappedBytes(uid)
    expect(await filesWith(dataFolder, before)).toEqual([keyPath(uid)])
    await keyring.rotate(async () => {})
    const after = await wrappedBytes(uid)
    expect(await filesWith(dataFolder, before)).toEqual([])
    await keyring.destroy(uid)
    expect(await filesWith(dataFolder, after)).toEqual([])
    expect(await readdir(join(dataFolder, 'keys'))).toEqual([`${other}.json`])
  })

  it('are overwritten, not only unlinked, when they are destroyed or replaced', async () => {
    const keyring = await start()
    const uid = randomUUID()
    await keyring.create(uid)
    const handles = [keyPath(uid), join(dataFolder, 'master.key')]
    const held = await Promise.all(handles.map(async (path) => ({ path, content: await readFile(path) })))
    const files = await Promise.all(handles.map((path) => open(path, 'r')))
    try {
      await keyring.rotate(async () => {})
      for (const [i, { path, content }] of held.entries()) {
        const now = Buffer.alloc(content.length)
        await files[i]?.read(now, 0, now.length, 0)
        expect(now.equals(content), path).toBe(false)
        expect(now.toString('latin1'), path).not.toContain('"version"')
        expect(now.toString('latin1'), path).not.toContain(uid)
      }
    } finally {
      await Promise.all(files.map((file) => file.close()))
    }
  })

  it('leave nothing of the old master key after a rotation', async () => {
    const keyring = await start()
    await keyring.create(randomUUID())
    const old = Buffer.from(JSON.parse(await readFile(join(dataFolder, 'master.key'), 'utf8')).current.key, 'base64')
    expect(await filesWith(dataFolder, old)).toHaveLength(1)
    await keyring.rotate(async () => {})
    expect(await filesWith(dataFolder, old)).toEqual([])
  })

  it('have what a killed process left half done finished at the next start', async () => {
    const uid = randomUUID()
    await (await start()).create(uid)
    const bytes = await readFile(keyPath(uid))
    await writeFile(`${keyPath(randomUUID())}.0011223344556677.tmp`, bytes)
    await writeFile(`${keyPath(randomUUID())}.gone`, bytes)
    await writeFile(join(dataFolder, 'master.key.0011223344556677.tmp'), 'half a k')
    await start()
    expect(await readdir(join(dataFolder, 'keys'))).toEqual([`${uid}.json`])
    expect((await readdir(dataFolder)).sort()).toEqual(['keys', 'master.key'])
  })

  it('survive a first start that was killed between naming the master key and tidying up', async () => {
    const uid = randomUUID()
    await (await start()).create(uid)
    await link(join(dataFolder, 'master.key'), join(dataFolder, 'master.key.0011223344556677.tmp'))
    for (const _start of [1, 2]) expect(await (await start()).check()).toBe(1)
    expect((await readdir(dataFolder)).sort()).toEqual(['keys', 'master.key'])
  })

  it('that are damaged make their own secret unreadable and no other', async () => {
    const keyring = await start()
    const [damaged, tampered, whole] = [randomUUID(), randomUUID(), randomUUID()]
    for (const uid of [damaged, tampered, whole]) await keyring.create(uid)
    await writeFile(keyPath(damaged), '{"uid":')
    const key = JSON.parse(await readFile(keyPath(tampered), 'utf8'))
    const ciphertext = Buffer.from(key.ciphertext, 'base64')
    ciphertext[0] = (ciphertext[0] ?? 0) ^ 1
    await writeFile(keyPath(tampered), JSON.stringify({ ...key, ciphertext: ciphertext.toString('base64') }))
    const restarted = await start()
    for (const uid of [damaged, tampered])
      await expect(restarted.open(uid)).rejects.toMatchObject({ code: 'secret-unreadable' })
    await expect(restarted.check()).rejects.toMatchObject({ code: 'secret-unreadable' })
    await expect(restarted.rotate(async () => {})).rejects.toMatchObject({ code: 'secret-unreadable' })
    const again = await start()
    await expect(again.open(whole)).resolves.toMatchObject({ uid: whole })
    for (const uid of [damaged, tampered]) await again.destroy(uid)
    await again.rotate(async () => {})
    expect(await (await start()).check()).toBe(1)
  })

  it('are not taken from a file of another secret', async () => {
    const keyring = await start()
    const [mine, other] = [randomUUID(), randomUUID()]
    await keyring.create(mine)
    const copied = { ...JSON.parse(await readFile(keyPath(mine), 'utf8')), uid: other }
    await writeFile(keyPath(other), JSON.stringify(copied))
    await expect(keyring.open(other)).rejects.toMatchObject({ code: 'secret-unreadable' })
  })

  it('say what is wrong when their folder cannot be used', async () => {
    const keyring = await start()
    await rm(join(dataFolder, 'keys'), { recursive: true })
    await writeFile(join(dataFolder, 'keys'), '')
    await expect(keyring.create(randomUUID())).rejects.toMatchObject({
      code: 'keyring-unavailable',
      status: 503,
      message: expect.stringContaining('a part of the path is no folder'),
    })
  })
})
