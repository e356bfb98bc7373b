import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Cluster, postgresPrograms, startCluster } from '../adapters/postgres/testing/cluster.ts'
import { ASYNC, equalsReplay, isReady, type OneMcpd, oneMcpd, project, SOON } from './testing/one-mcpd.ts'

// A running mcpd whose database or log goes away: it goes on, says so, and heals by itself.

const programs = await postgresPrograms()
/** An answer takes no longer, whatever is away: the deadlines are 5 and 10 s, on a slow machine. */
const ANSWER_MS = 25_000

/** Declares `names` at once and answers how each fared. */
const declareAll = ({ ask }: OneMcpd, names: readonly string[], headers: Record<string, string> = {}) =>
  Promise.all(
    names.map(async (name) => {
      const began = performance.now()
      const answer = await ask('PUT', `/api/v1/projects/${name}`, { body: project(name), headers })
      expect(performance.now() - began).toBeLessThan(ANSWER_MS)
      return answer
    }),
  )
const namesOf = async ({ ask }: OneMcpd): Promise<readonly string[]> =>
  (await ask('GET', '/api/v1/projects')).json.items.map((each: { metadata: { name: string } }) => each.metadata.name)
const ten = (prefix: string): readonly string[] => Array.from({ length: 10 }, (_, n) => `${prefix}-${n}`)

describe.skipIf(programs === undefined)('Postgres', () => {
  const outages: readonly (readonly [what: string, goAway: (c: Cluster) => Promise<void>])[] = [
    ['stopped', (cluster) => cluster.stop('fast')],
    [
      'replaced by an empty one',
      async (cluster) => {
        await cluster.stop('immediate')
        await cluster.empty()
      },
    ],
  ]
  it.each(outages)(
    'may be %s: writes go into the log, reads are refused, nothing is lost',
    async (_what, goAway) => {
      const cluster = await startCluster(programs ?? '')
      onTestFinished(() => cluster.remove())
      const one = await oneMcpd({ DATABASE_URL: cluster.url })
      const { ask, mcpd } = one
      const { pid } = mcpd()
      const before = await declareAll(one, ten('before'))
      expect(before.map(({ status }) => status)).toEqual(ten('').map(() => 201))

      await goAway(cluster)
      const read = await ask('GET', '/api/v1/projects')
      expect(read).toMatchObject({ status: 503, json: { code: 'read-model-unavailable' } })
      expect(Number(read.headers.get('retry-after'))).toBeGreaterThan(0)
      const during = await declareAll(one, ten('during'))
      for (const { status, json } of during)
        expect({ status, position: json.position }).toEqual({ status: 202, position: expect.stringMatching(/^\d+$/) })
      expect((await ask('GET', '/healthz')).status).toBe(200)
      expect(await ask('GET', '/readyz')).toMatchObject({
        status: 503,
        json: { checks: { log: { ok: true }, readModels: [{ state: 'unavailable' }] } },
      })

      await cluster.start()
      await isReady(one)
      expect(mcpd().pid).toBe(pid)
      const last = during.map(({ json }) => BigInt(json.position)).sort((a, b) => (a < b ? 1 : -1))[0]
      expect((await ask('GET', `/api/v1/projects?minPosition=${last}`)).status).toBe(200)
      expect(await namesOf(one)).toEqual([...ten('before'), ...ten('during'), 'mcpctl-system'].sort())
      expect((await declareAll(one, ['after']))[0]?.status).toBe(201)
      await equalsReplay(one)
    },
    120_000,
  )

  it('may be killed again and again under writes: each is there once', async () => {
    const cluster = await startCluster(programs ?? '')
    onTestFinished(() => cluster.remove())
    const one = await oneMcpd({ DATABASE_URL: cluster.url })
    const written: string[] = []
    for (const round of ['a', 'b', 'c']) {
      const writing = declareAll(one, ten(round), ASYNC)
      await cluster.kill()
      const answers = await writing
      expect(answers.every(({ status }) => status === 202)).toBe(true)
      written.push(...ten(round))
      await cluster.start()
    }
    await isReady(one)
    await expect.poll(() => namesOf(one), SOON).toEqual([...written, 'mcpctl-system'].sort())
    for (const name of written) {
      const { items } = (await one.ask('GET', `/api/v1/projects/${name}/history`)).json
      expect(items).toHaveLength(1)
    }
    await equalsReplay(one)
  }, 240_000)
})

/** The wire-level server as a process of its own; its events are kept in a file. */
const eventStore = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mcpctl-eventstore-'))
  const program = fileURLToPath(new URL('../adapters/eventstore/testing/wire-process.ts', import.meta.url))
  let url = ''
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    const port = url === '' ? '0' : new URL(url.replace('esdb:', 'http:')).port
    const args = ['--import', 'tsx', program, port, join(folder, 'events')]
    child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const [line] = child.stdout === null ? [] : await once(child.stdout, 'data')
    url = String(line).trim()
  }
  const kill = async (): Promise<void> => {
    if (child === undefined || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  onTestFinished(async () => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  })
  await start()
  return { url, start, kill }
}

describe('EventStoreDB', () => {
  it('may be killed: writes are refused in time, reads go on, nothing is lost or doubled', async () => {
    const server = await eventStore()
    const one = await oneMcpd({ EVENTSTORE_URL: server.url })
    const { ask } = one
    const { pid } = one.mcpd()
    expect((await declareAll(one, ten('before'))).map(({ status }) => status)).toEqual(ten('').map(() => 201))

    const cut = declareAll(one, ten('cut'), { 'idempotency-key': randomUUID() })
    await server.kill()
    const refused = await declareAll(one, ten('during'))
    for (const { status, json, headers } of refused) {
      expect({ status, code: json.code }).toEqual({ status: 503, code: 'log-unavailable' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    const acknowledged = (await cut).map(({ status }) => status).filter((status) => status !== 503)
    expect(acknowledged.every((status) => status === 201 || status === 202)).toBe(true)
    const read = await ask('GET', '/api/v1/projects')
    expect(read).toMatchObject({ status: 200, json: { asOf: expect.stringMatching(/^\d+$/) } })
    expect(await namesOf(one)).toEqual(expect.arrayContaining([...ten('before')]))
    expect(await ask('GET', '/readyz')).toMatchObject({ status: 503, json: { checks: { log: { ok: false } } } })

    await server.start()
    await isReady(one)
    expect(one.mcpd().pid).toBe(pid)
    const repeated = await declareAll(one, [...ten('cut'), ...ten('during')])
    expect(repeated.every(({ status }) => status === 200 || status === 201)).toBe(true)
    expect(await namesOf(one)).toEqual([...ten('before'), ...ten('cut'), ...ten('during'), 'mcpctl-system'].sort())
    for (const name of [...ten('before'), ...ten('cut'), ...ten('during')])
      expect((await ask('GET', `/api/v1/projects/${name}/history`)).json.items).toHaveLength(1)
    await equalsReplay(one)
  }, 240_000)
})
