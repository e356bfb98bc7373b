import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { open } from 'lmdb'
import { describe, expect, it, onTestFinished } from 'vitest'
import { collect, numbers, sampleEvent, sampleEvents } from '../event-log-contract/log-under-test.ts'
import { openEmbeddedLog } from './embedded-log.ts'
import { FORMAT } from './store.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

const run = promisify(execFile)

describe('the folder of an embedded log', { timeout: 30_000 }, () => {
  it('is made when it is missing, readable by its owner alone', async () => {
    const folder = join(await temporaryFolder(), 'deep', 'log')
    const log = await openEmbeddedLog({ folder })
    await log.append('thing-1', sampleEvents(1), 'none')
    await log.close()
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'data.mdb'))).mode & 0o777).toBe(0o600)
  })

  it('has no file of it open once it is closed', async (context) => {
    if (!existsSync('/proc/self/fd')) return context.skip('needs /proc to see which files are open')
    const folder = await temporaryFolder()
    const open = (): string[] =>
      readdirSync('/proc/self/fd')
        .map((descriptor) =>
          existsSync(`/proc/self/fd/${descriptor}`) ? readlinkSync(`/proc/self/fd/${descriptor}`) : '',
        )
        .filter((path) => path.startsWith(folder))
    const log = await openEmbeddedLog({ folder })
    await log.append('thing-1', sampleEvents(1), 'none')
    expect(open()).not.toEqual([])
    await log.close()
    expect(open()).toEqual([])
  })

  it('may have a name with a dot', async () => {
    const folder = join(await temporaryFolder(), 'log.d')
    const log = await openEmbeddedLog({ folder })
    await log.append('thing-1', sampleEvents(1), 'none')
    await log.close()
    expect((await stat(join(folder, 'data.mdb'))).isFile()).toBe(true)
  })

  it('is refused, and left as it is, when a newer version wrote it', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    await log.close()
    const root = open({ path: folder, noSubdir: false, maxDbs: 8, overlappingSync: false })
    await root.openDB<number, string>({ name: 'format', encoding: 'json' }).put('format', FORMAT + 1)
    await root.close()
    const before = await readFile(join(folder, 'data.mdb'))

    await expect(openEmbeddedLog({ folder })).rejects.toMatchObject({
      code: 'data-folder-newer',
      details: { found: FORMAT + 1, known: FORMAT },
    })
    expect(before.equals(await readFile(join(folder, 'data.mdb')))).toBe(true)
  })

  it('is refused when it is a file, or lies below one', async () => {
    const file = join(await temporaryFolder(), 'file')
    await writeFile(file, '')
    await expect(openEmbeddedLog({ folder: file })).rejects.toMatchObject({ code: 'data-folder-unusable' })
    await expect(openEmbeddedLog({ folder: join(file, 'log') })).rejects.toMatchObject({ code: 'data-folder-unusable' })
  })

  it('is refused when its file is something else', async () => {
    const folder = await temporaryFolder()
    for (const content of ['hello', 'not a database '.repeat(2000)]) {
      await writeFile(join(folder, 'data.mdb'), content)
      await expect(openEmbeddedLog({ folder })).rejects.toMatchObject({ code: 'data-folder-corrupt' })
    }
  })

  it('is refused when its file was cut off', async () => {
    const folder = await temporaryFolder()
    const log = await openEmbeddedLog({ folder })
    for (let n = 0; n < 20; n += 1) await log.append(`thing-${n}`, [sampleEvent({ pad: 'x'.repeat(5000) })], 'none')
    await log.close()
    await truncate(join(folder, 'data.mdb'), 3 * 4096)
    await expect(openEmbeddedLog({ folder })).rejects.toMatchObject({ code: 'data-folder-corrupt' })
  })

  it('is not made by a reader, who appends nothing either', async () => {
    const folder = await temporaryFolder()
    await expect(openEmbeddedLog({ folder, readOnly: true })).rejects.toMatchObject({ code: 'data-folder-unusable' })
    const writer = await openEmbeddedLog({ folder })
    await writer.append('thing-1', sampleEvents(2), 'none')
    const reader = await openEmbeddedLog({ folder, readOnly: true })
    expect(numbers(await collect(reader.readStream('thing-1')))).toEqual([0, 1])
    await expect(reader.append('thing-1', sampleEvents(1), 1n)).rejects.toMatchObject({ code: 'log-unavailable' })
    await reader.close()
    await writer.close()
  })

  it('on a full disk refuses appends, goes on reading, and heals when there is room', async (context) => {
    const folder = await temporaryFolder()
    const disk = join(folder, 'disk')
    await mkdir(disk)
    try {
      await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk])
    } catch {
      return context.skip('needs the right to mount a small tmpfs')
    }
    onTestFinished(async () => {
      await run('umount', [disk])
    })
    await writeFile(join(disk, 'ballast'), Buffer.alloc(2_000_000))
    const log = await openEmbeddedLog({ folder: join(disk, 'log') })
    const large = () => sampleEvent({ pad: 'x'.repeat(200_000) })
    let written = 0
    const fill = async (): Promise<never> => {
      for (;;) {
        await log.append('thing-1', [large()], written === 0 ? 'none' : BigInt(written - 1))
        written += 1
      }
    }
    await expect(fill()).rejects.toMatchObject({
      code: 'log-unavailable',
      message: expect.stringContaining('no space is left'),
    })
    await expect(log.append('thing-2', [large()], 'none')).rejects.toMatchObject({ code: 'log-unavailable' })
    expect(await collect(log.readStream('thing-1'))).toHaveLength(written)

    await rm(join(disk, 'ballast'))
    const { revision } = await log.append('thing-1', [large()], BigInt(written - 1))
    expect(revision).toBe(BigInt(written))
    expect(await collect(log.readStream('thing-1'))).toHaveLength(written + 1)
    await log.close()
  })
})
