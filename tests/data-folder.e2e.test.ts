import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { asking, type Daemon, runDaemon, startDaemon } from './testing/daemon.ts'

// One data folder, several mcpd that want it.

let home: string
const started: Daemon[] = []
const start = async (folder: string): Promise<Daemon> => {
  const mcpd = await startDaemon({ program: 'mcpd', home, args: ['--data-folder', folder] })
  started.push(mcpd)
  return mcpd
}
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-folder-'))
})
afterEach(async () => {
  await Promise.all(started.splice(0).map((mcpd) => mcpd.end('SIGKILL')))
  await rm(home, { recursive: true, force: true })
})

it('a data folder has one mcpd: a second is refused and told of the first, by any path, until that is dead; a copy is free', async () => {
  const data = join(home, 'data')
  const first = await start(data)
  await vi.waitFor(() => expect(first.token).not.toBe(''))
  const as = (mcpd: Daemon) =>
    asking(
      () => mcpd,
      () => first.token,
    )
  const project = { metadata: { name: 'p' }, spec: {} }
  expect((await as(first)('POST', '/api/v1/projects', { body: project })).status).toBe(201)

  const link = join(home, 'link')
  await symlink(data, link)
  for (const path of [data, link, `${data}/../data/`]) {
    const second = await runDaemon({ program: 'mcpd', home, args: ['--data-folder', path] })
    expect(second.code).toBe(1)
    expect(second.log).toMatch(new RegExp(`mcpd with pid ${first.pid} has been working on .* since \\d{4}-`))
    expect(second.log).toContain('[data-folder-in-use]')
  }
  expect((await as(first)('GET', '/readyz')).status).toBe(200)

  const copy = join(home, 'copy')
  await cp(data, copy, { recursive: true })
  const other = await start(copy)
  expect((await as(other)('GET', '/api/v1/projects/p')).status).toBe(200)

  await first.end('SIGKILL')
  const next = await start(link)
  expect((await as(next)('GET', '/api/v1/projects/p')).status).toBe(200)
}, 120_000)
