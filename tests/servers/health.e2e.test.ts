import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as standStill } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { stringify } from 'yaml'
import { type Daemon, environmentOf, startDaemon } from '../testing/daemon.ts'
import { type Ran, runMcpctl } from '../testing/system.ts'

// A mcpd with servers that are well, that break and recover, that hang, and that end soon after each start.

const MISBEHAVING = fileURLToPath(new URL('../testing/misbehaving-server.mjs', import.meta.url))
const SOON = { timeout: 30_000, interval: 100 }
const OFTEN = { intervalSeconds: 1, timeoutSeconds: 5, failureThreshold: 2 }

let home: string
let mcpd: Daemon
let token: string
let broken: string

const mcpctl = (args: readonly string[], stdin = ''): Promise<Ran> =>
  runMcpctl(args, { ...environmentOf(home), MCPCTL_SERVER: mcpd.url, MCPCTL_TOKEN: token }, stdin)
const waitFor = async (condition: string, ...targets: readonly string[]): Promise<void> => {
  const ran = await mcpctl(['wait', `--for=condition=${condition}`, ...targets, '--timeout', '30s'])
  expect(ran).toMatchObject({ code: 0, stderr: '' })
}
/** The cells of a table's first row, by header. */
const table = async (...args: readonly string[]): Promise<Record<string, string>> => {
  const [headers = '', row = ''] = (await mcpctl(['get', ...args])).stdout.split('\n')
  const cells = row.split(/ {3,}/)
  return Object.fromEntries(headers.split(/ {3,}/).map((header, i) => [header, cells[i] ?? '']))
}
const shown = async (server: string): Promise<readonly string[]> => {
  const { READY = '', STATUS = '', HEALTH = '' } = await table('server', server)
  return [READY, STATUS, HEALTH]
}
// biome-ignore lint/suspicious/noExplicitAny: whatever a test expects of it
const copyOf = async (server: string): Promise<any> =>
  JSON.parse((await mcpctl(['get', 'instances', '--server', server, '-o', 'json'])).stdout).items[0]
/** What its copy's health was, one after the other, with the reasons. */
const healthOf = async (server: string): Promise<readonly string[]> => {
  const { metadata } = await copyOf(server)
  const { stdout } = await mcpctl(['describe', 'instance', metadata.name])
  return stdout
    .split('\n')
    .flatMap((line) => /InstanceHealthChanged.*System:health +(.*)/.exec(line)?.[1]?.trim() ?? [])
}

const server = (name: string, habits: readonly string[], spec: object = {}) => ({
  kind: 'server',
  metadata: { name },
  spec: { command: process.execPath, args: [MISBEHAVING, ...habits], ...spec },
})
const secret = (value: string) => ({ kind: 'secret', metadata: { name: 'keys' }, spec: { data: { KEY: value } } })
const fromSecret = { env: [{ name: 'KEY', valueFrom: { secretRef: { name: 'keys', key: 'KEY' } } }] }
const apply = async (...manifests: readonly object[]): Promise<void> =>
  expect(await mcpctl(['apply', '-f', '-'], manifests.map((each) => stringify(each)).join('---\n'))).toMatchObject({
    code: 0,
  })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'mcpctl-health-'))
  broken = join(home, 'broken')
  mcpd = await startDaemon({ program: 'mcpd', home })
  await vi.waitFor(() => expect(mcpd.token).not.toBe(''), SOON)
  token = mcpd.token
  await apply(
    secret('1'),
    server('good', [], { healthCheck: { ...OFTEN, timeoutSeconds: 2, tool: 'check' } }),
    server('breaks', [`--broken-while=${broken}`], { healthCheck: OFTEN }),
    server('unready', ['--check=isError'], { healthCheck: { ...OFTEN, tool: 'check' } }),
    server('hangs', ['--hangs=tools/list'], { healthCheck: { ...OFTEN, timeoutSeconds: 1, restartAfter: 2 } }),
    server('recovers', ['--recovers-after=1'], { healthCheck: OFTEN }),
  )
}, 60_000)
afterAll(async () => {
  await mcpd?.end('SIGTERM')
  await rm(home, { recursive: true, force: true })
})

describe('the health of servers', () => {
  it('is good of those that are well', async () => {
    await waitFor('healthy', 'server/good', 'server/breaks')
    expect(await shown('good')).toEqual(['1/1', 'Running', 'Healthy'])
  })

  it('gets bad when a server breaks, with the reason, and good again when it works again', async () => {
    await waitFor('healthy', 'server/breaks')
    await writeFile(broken, '')
    await expect.poll(() => shown('breaks'), SOON).toEqual(['0/1', 'Unhealthy', 'Unhealthy'])
    const { code, stderr } = await mcpctl(['wait', '--for=condition=ready', 'server/breaks', '--timeout', '0'])
    expect([code, stderr]).toEqual([1, expect.stringContaining('Unhealthy: tools/list: it is broken (-32000)')])
    await rm(broken)
    await waitFor('healthy', 'server/breaks')
    expect(await healthOf('breaks')).toEqual([
      expect.stringContaining('health=healthy'),
      'degraded: tools/list: it is broken (-32000)',
      'unhealthy: tools/list: it is broken (-32000) (2 failures in a row)',
      expect.stringContaining('health=healthy'),
    ])
  })

  it('is bad where the tool answers that it cannot work, though the server lives', async () => {
    await expect.poll(() => shown('unready'), SOON).toEqual(['0/1', 'Unhealthy', 'Unhealthy'])
    expect((await healthOf('unready')).at(-1)).toContain('tool check: isError: the database is away')
    const metrics = await (await fetch(`${mcpd.url}/metrics`)).text()
    expect(metrics).toMatch(/mcpd_health_probes_total\{server="unready",probe="liveness",outcome="ok"\} \d+/)
    expect(metrics).toMatch(/mcpd_health_probes_total\{server="unready",probe="readiness",outcome="failed"\} \d+/)
  })

  it('gets good when a server has recovered', async () => {
    await waitFor('healthy', 'server/recovers')
    expect(await healthOf('recovers')).toEqual([
      'degraded: tools/list: it is not ready yet (-32000)',
      expect.stringContaining('health=healthy'),
    ])
  })

  it('has a copy that hangs started again in place, if its server says so, later each time', async () => {
    await expect
      .poll(async () => (await copyOf('hangs')).status, SOON)
      .toMatchObject({
        phase: 'error',
        error: 'tools/list: no answer within 1 s (2 failures in a row)',
        attemptCount: 1,
        restarts: 1,
        health: null,
        nextRetryAt: expect.any(String),
      })
  })

  it('keeps the copy that works when the server is changed to one that does not', async () => {
    await waitFor('healthy', 'server/good')
    const works = (await copyOf('good')).metadata.name
    const check = { healthCheck: { ...OFTEN, tool: 'check' } }
    const copies = async () => {
      const { stdout } = await mcpctl(['get', 'instances', '--server', 'good', '-o', 'json'])
      return JSON.parse(stdout).items.map(
        ({ metadata, status }: { metadata: { name: string }; status: { health: string } }) =>
          `${metadata.name === works ? 'old' : 'new'} ${status.health}`,
      )
    }
    await apply(server('good', ['--check=isError'], check))
    await expect.poll(async () => (await copies()).sort(), SOON).toEqual(['new unhealthy', 'old healthy'])
    await apply(server('good', ['--check=fine'], check))
    await expect.poll(copies, SOON).toEqual(['new healthy'])
  })

  it('stays what it was when the machine stands still for a while', async () => {
    await waitFor('healthy', 'server/good')
    const before = await healthOf('good')
    process.kill(mcpd.pid, 'SIGSTOP')
    await standStill(3_000)
    process.kill(mcpd.pid, 'SIGCONT')
    const probes = async () =>
      Number(
        /server="good",probe="readiness",outcome="ok"\} (\d+)/.exec(
          await (await fetch(`${mcpd.url}/metrics`)).text(),
        )?.[1],
      )
    const asked = await probes()
    await expect.poll(probes, SOON).toBeGreaterThan(asked + 2)
    expect(await healthOf('good')).toEqual(before)
  })
})

describe('a server that ends soon after each start', () => {
  const failed = (attemptCount: number, more: object = {}) => ({ phase: 'error', attemptCount, ...more })
  const comesTo = (name: string, status: object): Promise<void> =>
    expect.poll(async () => (await copyOf(name)).status, SOON).toMatchObject(status)

  it('is tried again at once when its secret changes, and is told to be in a crash loop', async () => {
    const starts = join(home, 'starts')
    const timesStarted = () => readFileSync(starts, 'utf8').split('\n').length - 1
    await apply(server('dies', ['--lives=300', `--starts=${starts}`, '--dies-at-start=2'], fromSecret))
    await comesTo('dies', failed(1))
    const { metadata } = await copyOf('dies')
    const shownAs = async () => {
      const { STATUS, RESTARTS = '' } = await table('instance', metadata.name)
      return [STATUS, RESTARTS.split(' ')[0]]
    }
    expect(await shownAs()).toEqual(['Error', '1'])
    await apply(secret('2'))
    await comesTo('dies', failed(2, { error: expect.stringContaining('this is start 2: it does not go well') }))
    expect(await shownAs()).toEqual(['CrashLoopBackOff', '1'])
    await apply(secret('3'))
    await comesTo('dies', failed(3, { lastEnd: expect.objectContaining({ code: 1 }) }))
    expect(await shownAs()).toEqual(['CrashLoopBackOff', '2'])
    expect(timesStarted()).toBe(3)
    const { stdout } = await mcpctl(['describe', 'instance', metadata.name])
    for (const part of ['attemptCount:', 'lastAttemptAt:', 'nextRetryAt:', 'error:']) expect(stdout).toContain(part)
  })

  it('keeps its schedule when mcpd is killed meanwhile', async () => {
    await apply(server('short', ['--lives=300']))
    await comesTo('short', failed(1))
    const before = await copyOf('short')
    await mcpd.end('SIGKILL')
    mcpd = await startDaemon({ program: 'mcpd', home })
    await waitFor('healthy', 'server/breaks')
    const { metadata, status } = await copyOf('short')
    expect([metadata.name, status]).toEqual([before.metadata.name, before.status])
  })
})
