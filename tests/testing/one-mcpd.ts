import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { type Ask, asking, type Daemon, environmentOf, startDaemon } from './daemon.ts'
import { type Ran, runMcpctl } from './system.ts'

export const SOON = { timeout: 30_000, interval: 50 }

/** One mcpd after the other on a data folder of their own. */
export interface OneMcpd {
  readonly dataFolder: string
  readonly ask: Ask
  mcpd(): Daemon
  mcpctl(...args: readonly string[]): Promise<Ran>
  /** Ends mcpd in good order. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** Starts a mcpd that ends with the test. */
export const oneMcpd = async (env: Readonly<Record<string, string>> = {}): Promise<OneMcpd> => {
  const home = await mkdtemp(join(tmpdir(), 'mcpctl-one-'))
  let running: Daemon | undefined
  let token = ''
  const mcpd = (): Daemon => running ?? expect.fail('mcpd is not running')
  const one: OneMcpd = {
    dataFolder: join(home, '.mcpctl/data'),
    ask: asking(mcpd, () => token),
    mcpd,
    mcpctl: (...args) => runMcpctl(args, { ...environmentOf(home), MCPCTL_SERVER: mcpd().url, MCPCTL_TOKEN: token }),
    async stop() {
      expect(await mcpd().end('SIGTERM')).toBe(0)
      running = undefined
    },
    async start() {
      running = await startDaemon({ program: 'mcpd', home, env })
      // Printed right after it is ready, at the first start.
      if (token === '') await expect.poll(() => mcpd().token, SOON).not.toBe('')
      token ||= mcpd().token
    },
  }
  onTestFinished(async () => {
    await running?.end('SIGKILL')
    await rm(home, { recursive: true, force: true })
  })
  await one.start()
  return one
}

/** A project's manifest. */
export const project = (name: string, description = 'x') => ({
  kind: 'project',
  metadata: { name },
  spec: { description },
})

/** Ask not to wait for the row. */
export const ASYNC = { prefer: 'respond-async' }

const KINDS = ['secretbackends', 'secrets', 'servers', 'projects']

/** Everything that is declared, with all its history, as the API answers it. */
export const everything = async ({ ask }: OneMcpd): Promise<unknown> => {
  const all: unknown[] = []
  for (const kind of KINDS) {
    const list = await ask('GET', `/api/v1/${kind}`)
    expect(list.status).toBe(200)
    all.push(list.json.items)
    for (const { metadata } of list.json.items)
      all.push((await ask('GET', `/api/v1/${kind}/${metadata.name}/history`)).json.items)
  }
  return all
}

/** Builds the rows anew from the log: they are what they were. */
export const equalsReplay = async (one: OneMcpd): Promise<void> => {
  const before = await everything(one)
  const generation = async () => (await one.ask('GET', '/api/v1/status')).json.readModels[0].generation
  const old = await generation()
  expect((await one.ask('POST', '/api/v1/admin/rebuild')).status).toBe(202)
  await expect.poll(generation, SOON).not.toBe(old)
  expect(await everything(one)).toEqual(before)
}

/** Waits until `/readyz` says so. */
export const isReady = ({ ask }: OneMcpd): Promise<void> =>
  expect.poll(async () => (await ask('GET', '/readyz')).status, SOON).toBe(200)
