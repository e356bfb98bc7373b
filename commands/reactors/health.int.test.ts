import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openEmbeddedLog } from '../../adapters/embedded-log/embedded-log.ts'
import { catalog } from '../../domain/catalog.ts'
import { type InstanceCommand, instanceDecider } from '../../domain/instance/decide.ts'
import type { HealthPolicy } from '../../domain/instance/health.ts'
import type { InstanceHost, Probe, ProbeAnswer } from '../../domain/instance/host.ts'
import type { EventLog } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { createCommandLoop } from '../handle.ts'
import { createHealthReactor, type HealthReactor, type ProbeRecord } from './health.ts'
import { reactorContext } from './reactor.ts'

const TOOLS = { capabilities: ['tools'] }
const OK: ProbeAnswer = { ok: true, result: {} }
const NO: ProbeAnswer = { ok: false, reason: 'no answer within 10 s' }

let folder: string
let log: EventLog
let health: HealthReactor
let now: number
let policy: HealthPolicy
/** How a probe is answered. */
let answer: (instance: string, probe: Probe) => Promise<ProbeAnswer>
let probes: { readonly instance: string; readonly method: string; readonly params: JsonObject }[]
let records: ProbeRecord[]
let lines: string[]
let resting: Set<string>
let restarted: string[]
const running = new Set<string>()
const alarms = new Map<() => void, number>()
const clock = { now: () => new Date(now) }

const host: Pick<InstanceHost, 'probe' | 'isRunning' | 'setServing'> = {
  isRunning: (instance) => running.has(instance),
  async probe(instance, probe) {
    probes.push({ instance, method: probe.method, params: probe.params })
    return await answer(instance, probe)
  },
  setServing: (instance, serving) => void (serving ? resting.delete(instance) : resting.add(instance)),
}
const note = (_fields: object, line: string) => void lines.push(line)
const loop = () => createCommandLoop({ log, catalog, clock })
const at = () => clock.now().toISOString()

/** Puts an event into the log and shows the reactor what came of it. */
const does = async (command: InstanceCommand): Promise<void> => {
  const { events } = await loop().handle(
    instanceDecider,
    `instance-${command.instance}`,
    command,
    reactorContext('test', randomUUID()),
  )
  for (const { type, data, stream } of events) health.seen({ type, data, stream } as never)
}
const starts = async (instance: string, details: JsonObject = TOOLS): Promise<void> => {
  const spec = { server: 'a', serverUid: 's', specHash: 'h', uid: instance }
  await does({ type: 'CreateInstance', instance, ...spec, at: at() })
  await runs(instance, details)
}
const runs = async (instance: string, details: JsonObject = TOOLS): Promise<void> => {
  running.add(instance)
  await does({ type: 'BeginStart', instance, at: at() })
  await does({ type: 'ReportStarted', instance, at: at(), details })
}
/** All that is due is done, once. */
const round = async (): Promise<void> => {
  const due = [...alarms.keys()]
  alarms.clear()
  for (const each of due) each()
  await vi.waitFor(() => expect(alarms.size).toBeGreaterThanOrEqual(due.length), { interval: 5 })
}
const eventsOf = async (instance: string) => {
  const all: [string, unknown][] = []
  for await (const { type, data } of log.readStream(`instance-${instance}`))
    if (type === 'InstanceHealthChanged') all.push([`${data.health}`, data.reason])
  return all
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mcpctl-health-'))
  log = await openEmbeddedLog({ folder })
  now = Date.parse('2026-01-01T00:00:00Z')
  policy = { intervalMs: 30_000, timeoutMs: 10_000, failureThreshold: 3 }
  answer = async () => OK
  probes = []
  records = []
  lines = []
  resting = new Set()
  restarted = []
  running.clear()
  alarms.clear()
  health = createHealthReactor({
    loop: loop(),
    host,
    policyOf: async () => policy,
    restart: async (instance, _startedAt, reason) => void restarted.push(`${instance}: ${reason}`),
    clock,
    newId: randomUUID,
    logger: { debug: () => {}, info: note, warn: note, error: note },
    random: () => 0.5,
    alarm(ms, due) {
      alarms.set(due, ms)
      return () => void alarms.delete(due)
    },
    onProbe: (record) => void records.push(record),
    maxProbes: 4,
  })
})
afterEach(async () => {
  await health.close()
  await log.close()
  await rm(folder, { recursive: true, force: true })
})

describe('the health of an instance', () => {
  it('is asked for soon after its start, and from then on at its interval', async () => {
    await starts('a-1')
    expect([...alarms.values()]).toEqual([1_500])
    await round()
    expect([...alarms.values()]).toEqual([30_000])
    expect(probes).toEqual([{ instance: 'a-1', method: 'tools/list', params: {} }])
    expect(await eventsOf('a-1')).toEqual([['healthy', undefined]])
  })

  it('leaves no event and no line when a probe changes nothing', async () => {
    await starts('a-1')
    await round()
    const [before, said] = [await log.head(), lines.length]
    await round()
    await round()
    expect(probes).toHaveLength(3)
    expect([await log.head(), lines.length]).toEqual([before, said])
  })

  it('is asked for with a ping where there are no tools', async () => {
    await starts('a-1', { capabilities: ['resources'] })
    await round()
    expect(probes.map(({ method }) => method)).toEqual(['ping'])
  })

  it('goes from degraded to unhealthy and back, and new sessions go elsewhere meanwhile', async () => {
    await starts('a-1')
    answer = async () => NO
    for (let i = 0; i < 4; i += 1) await round()
    expect([...resting]).toEqual(['a-1'])
    answer = async () => OK
    await round()
    expect([...resting]).toEqual([])
    expect(await eventsOf('a-1')).toEqual([
      ['degraded', 'tools/list: no answer within 10 s'],
      ['unhealthy', 'tools/list: no answer within 10 s (3 failures in a row)'],
      ['healthy', undefined],
    ])
    expect(lines).toEqual(['instance is degraded', 'instance is unhealthy', 'instance is healthy'])
  })

  it('fails with its tool, which is asked only when it is alive', async () => {
    policy = { ...policy, readiness: { tool: 'check', arguments: { deep: true } } }
    await starts('a-1')
    answer = async (_instance, { method }) => (method === 'tools/call' ? { ok: false, reason: 'isError: away' } : OK)
    await round()
    expect(probes.at(-1)).toEqual({
      instance: 'a-1',
      method: 'tools/call',
      params: { name: 'check', arguments: { deep: true } },
    })
    expect(await eventsOf('a-1')).toEqual([['degraded', 'tool check: isError: away']])
    expect(records).toEqual([
      { server: 'a', probe: 'liveness', outcome: 'ok' },
      { server: 'a', probe: 'readiness', outcome: 'failed' },
    ])
    answer = async () => NO
    await round()
    expect(records.at(-1)).toEqual({ server: 'a', probe: 'liveness', outcome: 'failed' })
  })

  it('has it started again after as many failures as its server says', async () => {
    policy = { ...policy, restartAfter: 2 }
    await starts('a-1')
    answer = async () => NO
    await round()
    expect(restarted).toEqual([])
    await round()
    expect(restarted).toEqual(['a-1: tools/list: no answer within 10 s (2 failures in a row)'])
  })

  it('is not good again before it has run for longer than it did when it died', async () => {
    await starts('a-1')
    await round()
    now += 5_000
    await does({ type: 'ReportExit', instance: 'a-1', at: at(), reason: 'it died' })
    await runs('a-1')
    await round()
    expect(await eventsOf('a-1')).toEqual([['healthy', undefined]])
    now += 61_000
    await round()
    expect(await eventsOf('a-1')).toEqual([
      ['healthy', undefined],
      ['healthy', undefined],
    ])
  })

  it('is not asked for any more when its run is over', async () => {
    await starts('a-1')
    running.delete('a-1')
    await does({ type: 'ReportExit', instance: 'a-1', at: at(), reason: 'it died' })
    expect(alarms.size).toBe(0)
  })

  it('is no failure of a run that ended while it was asked', async () => {
    await starts('a-1')
    answer = async (instance) => {
      running.delete(instance)
      return NO
    }
    for (const due of alarms.keys()) due()
    await vi.waitFor(() => expect(probes).toHaveLength(1))
    await health.close()
    expect(await eventsOf('a-1')).toEqual([])
  })

  it('follows the interval that its server declares anew, at once', async () => {
    await starts('a-1')
    await round()
    policy = { ...policy, intervalMs: 2_000 }
    health.seen({ type: 'ServerDeclared', stream: 'server-a', data: {} } as never)
    await vi.waitFor(() => expect([...alarms.values()]).toEqual([2_000]))
  })
})

describe('probes', () => {
  it('are under way so many at once at most', async () => {
    let [most, under] = [0, 0]
    const ends: (() => void)[] = []
    answer = async () => {
      most = Math.max(most, ++under)
      await new Promise<void>((resolve) => ends.push(resolve))
      under -= 1
      return OK
    }
    for (let i = 0; i < 10; i += 1) await starts(`a-${i}`)
    for (const due of [...alarms.keys()]) due()
    await vi.waitFor(() => {
      for (const end of ends.splice(0)) end()
      expect(probes).toHaveLength(10)
    })
    expect(most).toBe(4)
    await vi.waitFor(() => {
      for (const end of ends.splice(0)) end()
      expect(under).toBe(0)
    })
  })

  it('are given up when mcpd stops', async () => {
    await starts('a-1')
    answer = (_instance, { signal }) =>
      new Promise((resolve) => signal.addEventListener('abort', () => resolve(NO), { once: true }))
    for (const due of alarms.keys()) due()
    await vi.waitFor(() => expect(probes).toHaveLength(1))
    await health.close()
    expect(await eventsOf('a-1')).toEqual([])
  })

  it('go on when what they found could not be noted, and it is noted later', async () => {
    await starts('a-1')
    const { append } = log
    log.append = async () => {
      throw new Error('the log is away')
    }
    await round()
    expect(health.status()).toMatchObject({ state: 'retrying', error: 'the log is away' })
    log.append = append
    await round()
    expect(await eventsOf('a-1')).toEqual([['healthy', undefined]])
    expect(health.status()).toMatchObject({ state: 'running' })
  })
})
