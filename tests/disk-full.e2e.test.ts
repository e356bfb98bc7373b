import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Ask, asking, type Daemon, runDaemon, startDaemon } from './testing/daemon.ts'

// A disk that is full, for the whole data folder and for the read models alone, and that has room again.

const TELLING = fileURLToPath(new URL('./testing/programs/tell-all-server.js', import.meta.url))

const mounted = (path: string): boolean => {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', path], { stdio: 'pipe' })
    return true
  } catch (error) {
    console.log(
      `The tests of a full disk are not run: no small disk can be mounted here (${String(error).split('\n')[0]})`,
    )
    return false
  }
}

let home: string
let disk: string
let mcpd: Daemon
let ask: Ask
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-disk-full-'))
})
afterEach(async () => {
  await mcpd?.end('SIGKILL')
  execFileSync('umount', [disk], { stdio: 'ignore' })
  await rm(home, { recursive: true, force: true })
})

const start = async (folder: string): Promise<boolean> => {
  disk = join(home, '.mcpctl', 'data', folder)
  await mkdir(disk, { recursive: true })
  if (!mounted(disk)) return false
  mcpd = await startDaemon({ program: 'mcpd', home })
  await vi.waitFor(() => expect(mcpd.token).not.toBe(''))
  const { token } = mcpd
  ask = asking(
    () => mcpd,
    () => token,
  )
  return true
}

/** Writes until nothing fits any more, not even a byte. */
const fill = (): void => {
  const file = openSync(join(disk, 'ballast'), 'a')
  for (let size = 1024 * 1024; size >= 1; ) {
    try {
      if (writeSync(file, Buffer.alloc(size, 1)) < size) size = Math.floor(size / 2)
    } catch {
      size = Math.floor(size / 2) // no room for so much
    }
  }
  closeSync(file)
}
const makeRoom = (): Promise<void> => rm(join(disk, 'ballast'))

/** A server of 330 KB that is not run: too large for what is free inside the files. */
const large = (name: string) => {
  const args = Array.from({ length: 12 }, () => randomBytes(14_000).toString('hex'))
  return ask('PUT', `/api/v1/servers/${name}`, {
    body: { metadata: { name }, spec: { command: 'true', replicas: 0, args } },
  })
}
const serverNames = async (): Promise<readonly string[]> =>
  (await ask('GET', '/api/v1/servers')).json.items.map(({ metadata }: { metadata: { name: string } }) => metadata.name)

describe('on a full disk', () => {
  it('writes are refused with a way out, reads go on, and it heals by itself', async (context) => {
    if (!(await start('.'))) return context.skip()
    const chatty = { metadata: { name: 'chatty' }, spec: { command: process.execPath, args: [TELLING] } }
    expect((await ask('PUT', '/api/v1/servers/chatty', { body: chatty })).status).toBe(201)
    expect((await large('before')).status).toBe(201)
    fill()

    const refused = await large('refused')
    expect(refused.status).toBe(503)
    expect(refused.json).toMatchObject({
      code: 'log-unavailable',
      detail: expect.stringContaining('no space is left'),
      hint: expect.stringContaining('Make room'),
    })
    const secret = { metadata: { name: 's' }, spec: { data: { K: 'v' } } }
    expect((await ask('POST', '/api/v1/secrets', { body: secret })).status).toBe(503)
    // What instances print finds no room either: that is their loss alone.
    expect((await ask('DELETE', '/api/v1/instances/none')).status).toBe(404)
    expect(await serverNames()).toEqual(['before', 'chatty'])
    const ready = await ask('GET', '/readyz')
    expect(ready.status).toBe(503)
    expect(ready.json.checks.log).toMatchObject({ ok: false, error: expect.stringContaining('no space is left') })
    expect((await ask('GET', '/api/v1/status')).json.log).toMatchObject({ ok: false })

    await makeRoom()
    expect((await large('after')).status).toBe(201)
    expect((await ask('GET', '/readyz')).status).toBe(200)
    expect(await serverNames()).toEqual(['after', 'before', 'chatty'])

    fill()
    expect(await mcpd.end('SIGTERM')).toBe(0)
    const failed = await runDaemon({ program: 'mcpd', home })
    expect(failed.code).toBe(1)
    expect(failed.log).toMatch(/no space is left on the device \[[a-z-]+\]\n {2}\S/)
    await makeRoom()
    mcpd = await startDaemon({ program: 'mcpd', home })
    expect(await serverNames()).toEqual(['after', 'before', 'chatty'])
  }, 120_000)

  it('of the read models alone, writes are taken, reads go on as of before, and the rows follow when there is room', async (context) => {
    if (!(await start('read-models'))) return context.skip()
    expect((await large('before')).status).toBe(201)
    fill()
    const taken = await large('unseen')
    expect(taken.status).toBe(202) // in the log, and not to be seen yet
    expect(await serverNames()).toEqual(['before'])
    expect((await ask('GET', '/api/v1/status')).status).toBe(200)
    await expect.poll(async () => (await ask('GET', '/readyz')).status, { timeout: 20_000 }).toBe(503)
    expect(mcpd.log()).toContain('no room for the read models')

    await makeRoom()
    await expect.poll(serverNames, { timeout: 30_000 }).toEqual(['before', 'unseen'])
    expect((await ask('GET', '/readyz')).status).toBe(200)
    expect((await large('after')).status).toBe(201)
    expect(await mcpd.end('SIGTERM')).toBe(0)
  }, 120_000)
})
