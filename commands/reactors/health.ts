import { instanceDecider } from '../../domain/instance/decide.ts'
import { findings, type Health, type HealthPolicy } from '../../domain/instance/health.ts'
import type { InstanceHost, Probe } from '../../domain/instance/host.ts'
import type { Clock, NewId } from '../../domain/kernel/clock.ts'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { RecordedEvent } from '../../domain/kernel/event.ts'
import { idOf } from '../../domain/kernel/event-log.ts'
import { isObject, type JsonObject, type JsonValue } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import type { CommandLoop } from '../handle.ts'
import { createKeyedQueue } from './keyed-queue.ts'
import { type ReactorStatus, reactorContext } from './reactor.ts'
import type { Reconciler } from './reconciler.ts'

/** One probe and how it went. */
export interface ProbeRecord {
  readonly server: string
  readonly probe: 'liveness' | 'readiness'
  readonly outcome: 'ok' | 'failed'
}

/** Calls `due` after `ms` of the machine's own time, which no clock that is set changes. @returns what stops it */
export type Alarm = (ms: number, due: () => void) => () => void

export interface HealthDeps {
  readonly loop: CommandLoop
  readonly host: Pick<InstanceHost, 'probe' | 'isRunning' | 'setServing'>
  /** How a server wants its copies to be probed, as it is declared now. */
  readonly policyOf: (server: string) => Promise<HealthPolicy>
  readonly restart: Reconciler['restart']
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  /** A number in [0, 1). */
  readonly random: () => number
  readonly alarm: Alarm
  /** Called after each probe. Must not throw. */
  readonly onProbe: (probe: ProbeRecord) => void
  /** Default 64. */
  readonly maxProbes?: number
}

/** Probes every instance that runs, and says what has changed. What it knows is of the present runs only: all comes back by probing. */
export interface HealthReactor {
  /** Takes every event from when it was made on, in order. */
  seen(event: RecordedEvent): void
  status(): ReactorStatus
  /** Ends probes under way and waits. */
  close(): Promise<void>
}

/** Probes that are under way at once: as many servers may hang until their deadline without the others being probed later. */
const MAX_PROBES = 64
/** The first probe of a run comes within this time: soon, but not those of all at once. */
const FIRST_MS = 3_000
/** Each wait is longer or shorter by up to this part of it, so that probes that came together part again. */
const JITTER = 0.1

/** One run of an instance, from its start to its end. */
interface Run {
  readonly instance: string
  readonly server: string
  readonly startedAt: string
  readonly liveness: 'tools/list' | 'ping'
  failures: number
  /** What the log has of it. */
  health: Health
  serving: boolean
  disarm: () => void
}

export const createHealthReactor = (deps: HealthDeps): HealthReactor => {
  const { loop, host, clock, newId, logger, random, alarm, onProbe } = deps
  const closing = new AbortController()
  const runs = new Map<string, Run>()
  const policies = new Map<string, HealthPolicy>()
  let failing: string | undefined

  const arm = (run: Run, ms: number): void => {
    run.disarm()
    if (closing.signal.aborted || runs.get(run.instance) !== run) return
    run.disarm = alarm(ms, () => queue.add(run.instance))
  }
  const again = async (run: Run): Promise<void> => {
    const { intervalMs } = await policyOf(run.server)
    arm(run, intervalMs * (1 - JITTER + 2 * JITTER * random()))
  }

  const begin = (instance: string, { server, at, details }: JsonObject): void => {
    if (typeof server !== 'string' || typeof at !== 'string') return
    end(instance)
    const run: Run = {
      instance,
      server,
      startedAt: at,
      liveness: hasTools(details) ? 'tools/list' : 'ping',
      failures: 0,
      health: 'unknown',
      serving: true,
      disarm: () => {},
    }
    runs.set(instance, run)
    arm(run, FIRST_MS * random())
  }

  const end = (instance: string): void => {
    const run = runs.get(instance)
    if (run === undefined) return
    run.disarm()
    runs.delete(instance)
    if (![...runs.values()].some(({ server }) => server === run.server)) policies.delete(run.server)
  }

  const policyOf = async (server: string): Promise<HealthPolicy> => {
    const known = policies.get(server)
    if (known !== undefined) return known
    const policy = await deps.policyOf(server)
    policies.set(server, policy)
    return policy
  }

  /** Another interval counts from now on, not after the old one. */
  const declared = (server: string): void => {
    if (!policies.delete(server)) return
    for (const run of runs.values()) if (run.server === server) again(run).catch((error) => failed(run.instance, error))
  }

  const isOver = (run: Run): boolean =>
    closing.signal.aborted || runs.get(run.instance) !== run || !host.isRunning(run.instance)

  const probe = async ({ instance, server }: Run, which: ProbeRecord['probe'], asked: Omit<Probe, 'signal'>) => {
    const answer = await host.probe(instance, { ...asked, signal: closing.signal })
    onProbe({ server, probe: which, outcome: answer.ok ? 'ok' : 'failed' })
    return answer.ok ? undefined : answer.reason
  }

  /** @returns why it failed */
  const round = async (run: Run, { timeoutMs, readiness }: HealthPolicy): Promise<string | undefined> => {
    const dead = await probe(run, 'liveness', { method: run.liveness, params: {}, timeoutMs })
    if (dead !== undefined) return `${run.liveness}: ${dead}`
    if (readiness === undefined || isOver(run)) return undefined
    const params = { name: readiness.tool, arguments: readiness.arguments }
    const unready = await probe(run, 'readiness', { method: 'tools/call', params, timeoutMs })
    return unready === undefined ? undefined : `tool ${readiness.tool}: ${unready}`
  }

  const conclude = async (run: Run, failure: string | undefined, policy: HealthPolicy): Promise<void> => {
    const { failures, health, reason, restart } = findings(run.failures, failure, policy)
    run.failures = failures
    if (run.serving !== (health !== 'unhealthy')) {
      run.serving = !run.serving
      host.setServing(run.instance, run.serving)
    }
    const { instance, server, startedAt } = run
    if (restart) return await deps.restart(instance, startedAt, reason ?? '')
    if (health === run.health) return
    const command = { type: 'ReportHealth', instance, startedAt, health, at: clock.now().toISOString() } as const
    const why = reason === undefined ? {} : { reason }
    const context = reactorContext('health', newId())
    const { state, outcome } = await loop.handle(
      instanceDecider,
      `instance-${instance}`,
      { ...command, ...why },
      context,
    )
    // One that has failed before is not healthy yet: said again after the next round.
    run.health = state.health
    if (outcome !== 'changed') return
    const level = health === 'healthy' ? 'info' : 'warn'
    logger[level]({ instance, server, ...why }, `instance is ${health}`)
  }

  const failed = (instance: string, error: unknown): void => {
    if (closing.signal.aborted) return
    failing = messageOf(error)
    logger.warn({ instance, err: error }, 'the health of an instance could not be noted, trying again')
    const run = runs.get(instance)
    if (run !== undefined) arm(run, FIRST_MS * (1 + random()))
  }

  const queue = createKeyedQueue({
    concurrency: deps.maxProbes ?? MAX_PROBES,
    onError: failed,
    async work(instance) {
      const run = runs.get(instance)
      if (run === undefined || isOver(run)) return
      const policy = await policyOf(run.server)
      const failure = await round(run, policy)
      if (isOver(run)) return
      await conclude(run, failure, policy)
      failing = undefined
      await again(run)
    },
  })

  return {
    seen({ type, stream, data }) {
      if (type === 'InstanceStarted') begin(idOf(stream), data)
      else if (RUN_ENDS.has(type)) end(idOf(stream))
      else if (type === 'ServerDeclared') declared(idOf(stream))
    },
    status: () => ({
      name: 'health',
      state: failing === undefined ? 'running' : 'retrying',
      ...(failing === undefined ? {} : { error: failing }),
    }),
    async close() {
      closing.abort()
      for (const run of runs.values()) run.disarm()
      await queue.idle()
      runs.clear()
    },
  }
}

const RUN_ENDS = new Set(['InstanceExited', 'InstanceEndedUnhealthy', 'InstanceInterrupted', 'InstanceStopped'])

/** Whether a server has tools, by what its instance's start has noted; where that is not known, it is asked for them. */
const hasTools = (details: JsonValue | undefined): boolean => {
  const capabilities = isObject(details) ? details.capabilities : undefined
  return !Array.isArray(capabilities) || capabilities.includes('tools')
}
