import { type InstanceCommand, instanceDecider } from '../../domain/instance/decide.ts'
import type { InstanceHost } from '../../domain/instance/host.ts'
import { isRetryDue } from '../../domain/instance/retry.ts'
import { startFailed } from '../../domain/instance/runtime.ts'
import type { Clock, NewId } from '../../domain/kernel/clock.ts'
import { CodedError, messageOf } from '../../domain/kernel/errors.ts'
import type { Position, RecordedEvent } from '../../domain/kernel/event.ts'
import { categoryOf, type EventLog, idOf } from '../../domain/kernel/event-log.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { pause } from '../../domain/kernel/pause.ts'
import type { ResourceRow } from '../../domain/kernel/resource.ts'
import { type ServerSpec, secretRefs } from '../../domain/server/resource.ts'
import type { CommandLoop } from '../handle.ts'
import type { LoadSecret } from '../secrets/resolve-env.ts'
import { createKeyedQueue } from './keyed-queue.ts'
import { launchOf } from './launch.ts'
import { planInstances } from './plan-instances.ts'
import { type ReactorStatus, reactorContext } from './reactor.ts'
import { specHash } from './spec-hash.ts'
import { createTimers } from './timers.ts'

/** What the reconciler sees: rows at or after a position. */
export interface InstanceView {
  servers(atLeast: Position): Promise<readonly ResourceRow[]>
  server(name: string, atLeast: Position): Promise<ResourceRow | undefined>
  instances(server: string, atLeast: Position): Promise<readonly ResourceRow[]>
  allInstances(atLeast: Position): Promise<readonly ResourceRow[]>
}

export interface ReconcilerDeps {
  readonly log: EventLog
  readonly loop: CommandLoop
  readonly view: InstanceView
  readonly host: InstanceHost
  readonly clock: Clock
  readonly newId: NewId
  readonly logger: Logger
  /** Removes what a copy that is no longer wanted leaves behind: its log, its working folder. Repeatable. */
  readonly discard: (instance: string) => Promise<void>
  readonly loadSecret: LoadSecret
  /** Given every event after the reconciler has begun, once and in order. Must not throw. */
  readonly onEvent?: (event: RecordedEvent) => void
}

/** Keeps instances equal to what servers declare. Level-triggered: it looks at what is, not at what it remembers. */
export interface Reconciler {
  status(): ReactorStatus
  /** Ends the run that began at `startedAt`, if it still goes on, and starts the instance again in place, as often as others that failed. */
  restart(instance: string, startedAt: string, reason: string): Promise<void>
  /** Ends starts under way and waits; leaves instances to the host. */
  close(): Promise<void>
}

/** An attempt to start an instance. */
interface Start {
  readonly abort: AbortController
  readonly done: Promise<void>
  /** What it may fail on was mended meanwhile, and how: then it is tried again at once. */
  mended?: string
}

/** Servers that are worked on at once: each may install a package and wait for a start. */
const CONCURRENT_SERVERS = 8
const RETRY_WORK_MS = 2_000

/** Starts reconciling: everything once, then whatever an event says may have changed. */
export const startReconciler = async (deps: ReconcilerDeps): Promise<Reconciler> => {
  const { log, loop, view, host, clock, newId, logger } = deps
  const stopping = new AbortController()
  const starts = new Map<string, Start>()
  const serverOf = new Map<string, string>()
  const timers = createTimers(clock)
  let seen: Position = (await log.head()) ?? 0n
  let failing: string | undefined

  /** @returns whether it changed anything */
  const send = async (command: InstanceCommand): Promise<boolean> => {
    const context = reactorContext('reconciler', newId())
    const { position, outcome } = await loop.handle(instanceDecider, `instance-${command.instance}`, command, context)
    if (position !== undefined && position > seen) seen = position
    return outcome === 'changed'
  }
  const now = (): string => clock.now().toISOString()
  const inAWhile = (): string => new Date(clock.now().getTime() + RETRY_WORK_MS).toISOString()
  const alive = (instance: string): boolean => host.isRunning(instance) || starts.has(instance)

  const reconcile = async (name: string): Promise<void> => {
    const at = seen
    const server = await view.server(name, at)
    const instances = await view.instances(name, at)
    const hash = server === undefined ? '' : specHash(server)
    const plan = planInstances({ server, specHash: hash, instances, alive })
    const known = new Set(instances.map((row) => row.name))
    for (const [instance, of] of serverOf) if (of === name && !known.has(instance)) await end(instance)
    for (const { instance, reason } of plan.stop) {
      await send({ type: 'StopInstance', instance, at: now(), reason })
      await end(instance)
    }
    if (server === undefined) return
    for (let i = 0; i < plan.create; i++) await create(server, hash)
    for (const { instance, at, interrupted } of plan.start) {
      if (interrupted) await send({ type: 'ReportInterrupted', instance, at: now(), reason: 'mcpd was restarted' })
      if (at === undefined || isRetryDue(at, clock.now())) begin(instance, server)
      else timers.set(instance, at, () => queue.add(name))
    }
  }

  const create = async (server: ResourceRow, hash: string): Promise<void> => {
    const uid = newId()
    const instance = `${server.name.slice(0, 57)}-${uid.replaceAll('-', '').slice(0, 5)}`
    const spec = { server: server.name, serverUid: server.uid, specHash: hash }
    await send({ type: 'CreateInstance', instance, uid, ...spec, at: now() })
    begin(instance, server)
  }

  const end = async (instance: string): Promise<void> => {
    timers.clear(instance)
    const starting = starts.get(instance)
    starting?.abort.abort()
    await starting?.done
    await host.stop(instance)
    serverOf.delete(instance)
    await deps.discard(instance)
  }

  const begin = (instance: string, server: ResourceRow): void => {
    if (alive(instance) || stopping.signal.aborted) return
    serverOf.set(instance, server.name)
    const abort = new AbortController()
    const over = (): void => {
      starts.delete(instance)
    }
    const done = start(instance, server, AbortSignal.any([abort.signal, stopping.signal])).then(
      () => {
        over()
        if (!stopping.signal.aborted) queue.add(server.name)
      },
      (error: unknown) => {
        over()
        workFailed(server.name, error) // looks again in a while: at once, it would fail again
      },
    )
    starts.set(instance, { abort, done })
  }

  const start = async (instance: string, server: ResourceRow, signal: AbortSignal): Promise<void> => {
    await send({ type: 'BeginStart', instance, at: now() })
    const spec = server.spec as unknown as ServerSpec
    try {
      const launch = await launchOf(instance, { name: server.name, spec }, deps.loadSecret)
      const { details } = await host.start(launch, { signal })
      await reportStarted(instance, details)
    } catch (error) {
      if (signal.aborted) return // stopped on purpose: the state that asked for it says so
      if (!(error instanceof CodedError)) throw error
      logger.warn({ instance, server: server.name, code: error.code }, `instance did not start: ${error.message}`)
      const exited = error.details.exited === true ? { exited: true } : {}
      await send({ type: 'ReportStartFailed', instance, at: now(), reason: reasonOf(error), ...exited })
      const mended = starts.get(instance)?.mended
      if (mended !== undefined) await send({ type: 'RequestRetry', instance, at: now(), reason: mended })
    }
  }

  /** What runs without anybody knowing is stopped again; it is started when the log takes events again. */
  const reportStarted = async (instance: string, details: JsonObject): Promise<void> => {
    try {
      await send({ type: 'ReportStarted', instance, at: now(), details })
    } catch (error) {
      await host.stop(instance)
      throw error
    }
  }

  const workFailed = (name: string, error: unknown): void => {
    if (stopping.signal.aborted) return
    failing = `server/${name}: ${messageOf(error)}`
    logger.error({ server: name, err: error }, 'reconciling failed, trying again')
    timers.set(`retry:${name}`, inAWhile(), () => queue.add(name))
  }

  const queue = createKeyedQueue({
    concurrency: CONCURRENT_SERVERS,
    onError: workFailed,
    async work(name) {
      if (stopping.signal.aborted) return
      await reconcile(name)
      failing = undefined
    },
  })

  /** A secret that was repaired or rotated may mend what failed, or fails right now: those copies are tried again at once. */
  const secrets = createKeyedQueue({
    concurrency: 1,
    async work(secret) {
      const reason = `secret/${secret} has changed`
      for (const server of await view.servers(seen)) {
        if (!secretRefs(server.spec as unknown as ServerSpec).some(({ name }) => name === secret)) continue
        for (const { name: instance } of await view.instances(server.name, seen)) {
          const starting = starts.get(instance)
          if (starting !== undefined) starting.mended = reason
          await send({ type: 'RequestRetry', instance, at: now(), reason })
        }
        queue.add(server.name)
      }
    },
    onError(secret, error) {
      if (stopping.signal.aborted) return
      logger.error({ secret, err: error }, 'copies that use a changed secret could not be looked at, trying again')
      timers.set(`secret:${secret}`, inAWhile(), () => secrets.add(secret))
    },
  })

  host.onExit((instance, exit) => {
    const server = serverOf.get(instance)
    if (server === undefined || stopping.signal.aborted) return
    const { code, signal, reason } = exit
    const how = { ...(code === undefined ? {} : { code }), ...(signal === undefined ? {} : { signal }) }
    send({ type: 'ReportExit', instance, at: now(), reason, ...how })
      .then(() => queue.add(server))
      .catch((error: unknown) => workFailed(server, error))
  })

  /** Everything once; rows that are not there yet are waited for, however long. */
  const lookAround = async (at: Position): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        for (const row of await view.servers(at)) queue.add(row.name)
        for (const row of await view.allInstances(at)) queue.add((row.spec as { server?: string }).server ?? '')
        failing = undefined
        return
      } catch (error) {
        failing = messageOf(error)
        logger.warn({ code: codeOf(error) }, `the reconciler cannot begin yet: ${failing}`)
        await pause(RETRY_WORK_MS, stopping.signal)
      }
    }
  }

  const follow = async (): Promise<void> => {
    const begun = seen
    await lookAround(begun)
    for await (const batch of log.subscribe({ after: begun, signal: stopping.signal })) {
      for (const event of batch) {
        if (event.position > seen) seen = event.position
        deps.onEvent?.(event)
        if (event.type === 'SecretDeclared') secrets.add(idOf(event.stream))
        else for (const name of affected(event)) queue.add(name)
      }
    }
  }

  const following = follow().catch((error: unknown) => {
    failing = messageOf(error)
    logger.error({ err: error }, 'the reconciler has stopped')
  })

  return {
    status: () => ({
      name: 'reconciler',
      state: failing === undefined ? 'running' : 'retrying',
      position: String(seen),
      ...(failing === undefined ? {} : { error: failing }),
    }),
    async restart(instance, startedAt, reason) {
      const ended = await send({ type: 'EndUnhealthy', instance, startedAt, at: now(), reason })
      if (!ended || stopping.signal.aborted) return
      const server = serverOf.get(instance)
      logger.warn({ instance, server, reason }, 'instance is started again, because its probes fail')
      await host.stop(instance)
      if (server !== undefined) queue.add(server)
    },
    async close() {
      stopping.abort()
      timers.close()
      await following
      await Promise.all([...starts.values()].map((each) => each.done))
      await Promise.all([queue.idle(), secrets.idle()])
    },
  }
}

/** The servers whose instances an event may change. */
const affected = ({ stream, type, data }: RecordedEvent): readonly string[] => {
  const category = categoryOf(stream)
  if (category === 'server') return type.startsWith('Server') ? [idOf(stream)] : []
  const concerns = category === 'instance' && (CONCERNING.has(type) || data.health === 'healthy')
  return concerns && typeof data.server === 'string' ? [data.server] : []
}

/** What else happens to instances the reconciler has done itself, and gone on from there. */
const CONCERNING = new Set(['InstanceStopped', 'InstanceRetryRequested'])

const codeOf = (error: unknown): string => (error instanceof CodedError ? error.code : 'internal')

const reasonOf = (error: CodedError): string => {
  const hint = error.details.hint
  const text = error.code === startFailed.code || hint === undefined ? error.message : `${error.message}. ${hint}`
  return text.slice(0, 4_000)
}
