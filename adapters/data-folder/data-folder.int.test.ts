import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDataFolder } from './data-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-data-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (
  path = folder,
  identify: (pid: number) => string | undefined = (pid) => (alive(pid) ? `p${pid}` : undefined),
) => openDataFolder(path, { identify, now: new Date('2026-01-01T00:00:00Z'), newId: () => 'an-id' })

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** Another process that owns the folder, until it is killed. */
const otherOwner = async () => {
  const source = `
    import { openDataFolder } from ${JSON.stringify(new URL('./data-folder.ts', import.meta.url).href)}
    await openDataFolder(${JSON.stringify(folder)}, { identify: (pid) => 'p' + pid, now: new Date(), newId: () => "an-id" })
    console.log('owned')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  return child
}

describe('a data folder', () => {
  it('is made for its owner only', async () => {
    const path = join(folder, 'deep', 'data')
    const data = await open(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    await data.release()
  })

  it('is refused to a second process, which is told who has it', async () => {
    const owner = await otherOwner()
    await expect(open()).rejects.toMatchObject({ code: 'data-folder-in-use', details: { pid: owner.pid } })
    owner.kill('SIGKILL')
    await once(owner, 'exit')
  })

  it('is free again when its owner was killed', async () => {
    const owner = await otherOwner()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const data = await open()
    await data.release()
  })

  it('is free when it is a copy of one that is in use', async () => {
    const owner = await otherOwner()
    const copy = `${folder}-copy`
    await cp(folder, copy, { recursive: true })
    const data = await open(copy)
    await data.release()
    await rm(copy, { recursive: true })
    owner.kill('SIGKILL')
    await once(owner, 'exit')
  })

  it('is free when the pid of its dead owner belongs to another process now', async () => {
    const owner = await otherOwner()
    const data = await open(folder, (pid) => `reused-${pid}`)
    await data.release()
    owner.kill('SIGKILL')
    await once(owner, 'exit')
  })

  it('says so when it cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(open(join(folder, 'file', 'data'))).rejects.toMatchObject({ code: 'data-folder-not-writable' })
  })

  it('is refused at once where no folder can be made', async () => {
    await expect(open('/proc/mcpctl/data')).rejects.toMatchObject({ code: 'data-folder-not-writable' })
  })

  it('is refused where a file is', async () => {
    await writeFile(join(folder, 'file'), '')
    await expect(open(join(folder, 'file'))).rejects.toThrow('it is no folder')
  })
})
