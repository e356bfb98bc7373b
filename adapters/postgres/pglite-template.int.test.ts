import { copyFile, mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPGlite } from './pglite.ts'
import { unpackTemplate, writeTemplate } from './pglite-template.ts'
import { unpackTar } from './unpack-tar.ts'

let folder: string
let template: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-template-'))
  template = join(folder, 'template.tgz')
  const made = await startPGlite(join(folder, 'made'))
  await made.exec('create table left_behind (n int); insert into left_behind values (7)')
  await writeTemplate(made, template)
  await made.close()
}, 60_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the template of an empty database', () => {
  it('becomes the files of a database, which only their owner can read', async () => {
    const data = join(folder, 'unpacked')
    expect(await unpackTemplate(data, template)).toBe(true)
    expect((await stat(data)).mode & 0o777).toBe(0o700)
    expect((await stat(join(data, 'PG_VERSION'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(data, 'PG_VERSION'))).toEqual(await readFile(join(folder, 'made', 'PG_VERSION')))
    const opened = await startPGlite(data)
    expect((await opened.query('select n from left_behind')).rows).toEqual([{ n: 7 }])
    await opened.close()
  })

  it('leaves no database behind when it is cut off, and does not stand in the way of the next attempt', async () => {
    const cut = join(folder, 'cut.tgz')
    await copyFile(template, cut)
    await truncate(cut, Math.floor((await stat(cut)).size / 2))
    const data = join(folder, 'half')
    await expect(unpackTemplate(data, cut)).rejects.toThrow()
    await expect(readdir(data)).rejects.toThrow('ENOENT')
    expect(await unpackTemplate(data, template)).toBe(true)
  })

  it('is not there when the programs run from their sources', async () => {
    expect(await unpackTemplate(join(folder, 'none'), join(folder, 'no-such-file'))).toBe(false)
  })
})

describe('an archive', () => {
  it('that holds anything but files and folders is refused', async () => {
    const header = Buffer.alloc(512)
    header.write('link', 0)
    header.write('2', 156)
    const archive = (async function* () {
      yield header
    })()
    await expect(unpackTar(archive, folder)).rejects.toThrow('neither file nor folder')
  })

  it('without its end is refused', async () => {
    const header = Buffer.alloc(512)
    header.write('short', 0)
    header.write('00000001000', 124)
    header.write('0', 156)
    const archive = (async function* () {
      yield header
      yield Buffer.alloc(100)
    })()
    await expect(unpackTar(archive, folder)).rejects.toThrow('cut off')
  })
})
