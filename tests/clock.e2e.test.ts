import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { asking, type Daemon, environmentOf, startDaemon } from './testing/daemon.ts'
import { runMcpctl } from './testing/system.ts'

// The wall clock of a running mcpd is set an hour back, and forth again.

const FAKETIME = ['x86_64', 'aarch64']
  .map((cpu) => `/usr/lib/${cpu}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync)
if (FAKETIME === undefined)
  console.log('The test of a clock that is set back is not run: there is no libfaketime (package faketime)')

let home: string
let mcpd: Daemon
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-clock-'))
})
afterEach(async () => {
  await mcpd?.end('SIGKILL')
  await rm(home, { recursive: true, force: true })
})

describe.skipIf(FAKETIME === undefined)('a clock that is set back an hour and forth', () => {
  it('changes no order, delays no retry, lets nobody out, and makes nothing negative', async () => {
    const clock = join(home, 'clock')
    const set = (offset: string) => writeFile(clock, `${offset}\n`)
    await set('+0')
    mcpd = await startDaemon({
      program: 'mcpd',
      home,
      env: {
        LD_PRELOAD: FAKETIME ?? '',
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        DONT_FAKE_MONOTONIC: '1',
      },
    })
    await vi.waitFor(() => expect(mcpd.token).not.toBe(''))
    const { token } = mcpd
    const ask = asking(
      () => mcpd,
      () => token,
    )
    const describeAs = async (description: string) =>
      (await ask('PUT', '/api/v1/projects/p', { body: { metadata: { name: 'p' }, spec: { description } } })).json
    const failing = { metadata: { name: 'failing' }, spec: { command: 'no-such-program' } }
    await ask('POST', '/api/v1/servers', { body: failing })
    const instance = async () => (await ask('GET', '/api/v1/instances')).json.items[0]?.status
    await expect.poll(instance).toMatchObject({ phase: 'error', attemptCount: 1 })
    const answers = [await describeAs('before')]

    await set('-3600')
    await expect
      .poll(async () => (await describeAs(`at ${Math.random()}`)).resource.metadata.updatedAt)
      .toSatisfy(
        (at: string) => Date.parse(at) < Date.now() - 1_800_000, // the jump has taken place
      )
    answers.push(await describeAs('back'))
    // Planned half a minute ahead, which is an hour and a half a minute now: whatever wakes the reconciler finds it due.
    const more = { ...failing, spec: { ...failing.spec, replicas: 2 } }
    await ask('PUT', '/api/v1/servers/failing', { body: more })
    const attempts = async () =>
      (await ask('GET', '/api/v1/instances')).json.items.map(
        ({ status }: { status: { nextRetryAt?: string } }) => Date.parse(status.nextRetryAt ?? '') < Date.now(),
      )
    await expect.poll(attempts, { timeout: 20_000 }).toEqual([true, true])
    const status = (await ask('GET', '/api/v1/status')).json
    expect(status.uptimeSeconds).toBeGreaterThanOrEqual(0)
    expect(status.readModels[0]).toMatchObject({ state: 'live', lagEvents: 0 })
    const env = { ...environmentOf(home), MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: token }
    expect((await runMcpctl(['get', 'projects'], env)).stdout).not.toMatch(/-\d+[smhd]/)

    await set('+0')
    await expect
      .poll(async () => (await describeAs(`at ${Math.random()}`)).resource.metadata.updatedAt)
      .toSatisfy((at: string) => Date.parse(at) > Date.now() - 1_800_000)
    answers.push(await describeAs('forth'))

    const positions = answers.map(({ position }) => Number(position))
    expect(positions).toEqual([...positions].sort((a, b) => a - b))
    const { items } = (await ask('GET', '/api/v1/projects/p/history?limit=100')).json
    const revisions = items.map(({ revision }: { revision: string }) => Number(revision))
    expect(revisions).toEqual([...revisions].sort((a, b) => b - a))
    const told = items.map(({ spec }: { spec: { description: string } }) => spec.description)
    expect(told.filter((each: string) => !each.startsWith('at '))).toEqual(['forth', 'back', 'before'])
    const page = (await ask('GET', '/api/v1/projects?limit=1')).json
    const next = (await ask('GET', `/api/v1/projects?limit=1&cursor=${page.nextCursor}`)).json
    expect([...page.items, ...next.items].map(({ metadata }) => metadata.name)).toEqual(['mcpctl-system', 'p'])
    expect(await mcpd.end('SIGTERM')).toBe(0)
  }, 120_000)
})
