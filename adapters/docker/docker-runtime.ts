import { withLastErrors } from '../../domain/instance/exit-reason.ts'
import {
  type InstanceLogWriter,
  type Launch,
  logOfSession,
  type RunningProgram,
  type Runtime,
  startFailed,
} from '../../domain/instance/runtime.ts'
import { together } from '../../domain/instance/usage.ts'
import { CodedError, messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { settledWithin } from '../../domain/kernel/settled-within.ts'
import { redactor } from '../../domain/secret/redact.ts'
import { containerName, containerOptions, type ImageLaunch, isSame, LABEL } from './container-options.ts'
import { type ContainerProgram, containerProgram, type ReadFairly } from './container-program.ts'
import { type Engine, openEngine } from './engine.ts'
import { ensureImage } from './image.ts'
import { createSweeper } from './left-over.ts'
import { addressesOf, firstToAccept } from './open-port.ts'
import { usageOf } from './usage.ts'

/** Time that programs have to end when the runtime closes, and all of closing. */
const CLOSE_GRACE_MS = 4_000
const CLOSE_MS = 8_000
/** How long a server of HTTP may take until its port accepts connections. */
const PORT_MS = 30_000
const STOP_GRACE_MS = 2_000
const MAX_COMMAND_LINE = 1_000

export interface DockerRuntimeOptions {
  /** Which mcpd this is, over restarts: what carries another name, or none, is never touched. */
  readonly owner: string
  /** Where the output of an instance goes. */
  readonly logOf: (instance: string) => InstanceLogWriter
  readonly logger: Logger
  readonly readFairly: ReadFairly
  /** Instead of what the environment names. */
  readonly socketPath?: string
  /** Longest line of stdout, in bytes. */
  readonly maxLine?: number
  readonly portMs?: number
  /** How long what a killed mcpd left running may wait to be used again. */
  readonly adoptMs?: number
}

/**
 * Runs servers as containers of a Docker engine, reached when the first one is started. Containers that a killed mcpd
 * left behind are looked for at once.
 *
 * @example
 * const runtime = openDockerRuntime({ owner: folder.id, logOf: logs.of, logger, readFairly })
 * const program = await runtime.start(launch, { signal })
 */
export const openDockerRuntime = (options: DockerRuntimeOptions): Runtime => {
  const { owner, logOf, logger, portMs = PORT_MS, maxLine, adoptMs } = options
  const active = new Map<string, { readonly instance: string; readonly program?: RunningProgram }>()
  const starting = new Set<Promise<RunningProgram>>()
  const closing = new AbortController()
  let opened: Engine | undefined
  const engineNow = (): Engine => {
    opened ??= openEngine(options.socketPath)
    return opened
  }
  const sweeper = createSweeper({
    engine: engineNow,
    owner,
    logger,
    inUse: (name) => active.has(name),
    ...(adoptMs === undefined ? {} : { adoptMs }),
  })
  sweeper.wake()

  /** Attached to before it runs, so that nothing it prints is missed. A container that cannot be started is removed. */
  const run = async (id: string, launch: ImageLaunch, fresh: boolean): Promise<ContainerProgram> => {
    const engine = engineNow()
    const speaks = launch.http === undefined
    const stream = await engine.attach(id, { stdin: speaks })
    try {
      if (fresh) await engine.start(id)
    } catch (error) {
      stream.destroy()
      throw error
    }
    return containerProgram({
      engine,
      id,
      stream,
      speaks,
      log: logOfSession(logOf(launch.instance), launch.session),
      redact: redactor(launch.secrets ?? []),
      details: detailsOf(id, launch),
      readOnlyRoot: launch.program.readOnlyRoot ?? true,
      memoryBytes: launch.limits?.memoryBytes,
      readFairly: options.readFairly,
      onLeft: sweeper.wake,
      ...(maxLine === undefined ? {} : { maxLine }),
    })
  }

  /** A server of HTTP is there when its port is: what ends first, or takes too long, has failed. */
  const withAddress = async (
    id: string,
    program: ContainerProgram,
    { http, program: { network } }: ImageLaunch,
    signal: AbortSignal,
  ): Promise<RunningProgram> => {
    if (http?.port === undefined) return program
    const { port } = http
    const waiting = new AbortController()
    const ended = program.exited.then((exit) => {
      waiting.abort()
      return exit
    })
    const either = AbortSignal.any([signal, waiting.signal, AbortSignal.timeout(portMs)])
    const inspected = await engineNow().container(id)
    const runs = inspected?.State.Running === true
    const places = runs ? addressesOf(inspected, port, network) : []
    const address = places.length === 0 ? undefined : await firstToAccept(places, either)
    if (address !== undefined) return { ...program, address }
    if (!runs || waiting.signal.aborted)
      throw startFailed(`The program ended before it listened on port ${port}. ${(await ended).reason}`)
    await program.stop({ graceMs: STOP_GRACE_MS })
    signal.throwIfAborted()
    if (places.length === 0)
      throw startFailed(`Port ${port} of the container cannot be reached: its network publishes no ports.`)
    const where = `port ${port}, on all addresses of its container,`
    const late = `The program did not listen on ${where} within ${portMs / 1_000} seconds`
    throw startFailed(withLastErrors(late, program.lastErrors()))
  }

  /** The container of a former run, when it is one of HTTP, runs, and is what this launch would make; else it is removed. */
  const takeOver = async (name: string, launch: ImageLaunch): Promise<string | undefined> => {
    const engine = engineNow()
    await sweeper.settled(name)
    const present = await engine.container(name)
    if (present === undefined) return undefined
    if (present.Config.Labels[LABEL.mcpd] !== owner)
      throw startFailed(`There is a container named ${name} already, and it is not of this mcpd. Remove it.`)
    if (launch.http !== undefined && present.State.Running && isSame(present, launch)) return present.Id
    await engine.remove(present.Id)
    return undefined
  }

  const launchContainer = async (name: string, launch: ImageLaunch, signal: AbortSignal): Promise<RunningProgram> => {
    const engine = engineNow()
    const log = logOf(launch.instance)
    const { append } = logOfSession(log, launch.session)
    const say = (line: string) => append('mcpd', line)
    const present = await takeOver(name, launch)
    if (present !== undefined) {
      const program = await run(present, launch, false)
      say(`container ${present.slice(0, 12)} of before the restart of mcpd goes on`)
      return withAddress(present, program, launch, signal)
    }
    await log.startRun(launch.session)
    await ensureImage(engine, launch.program, { signal, say })
    signal.throwIfAborted()
    let id: string | undefined
    try {
      id = await engine.create(name, containerOptions(owner, launch))
      signal.throwIfAborted()
      const program = await run(id, launch, true)
      say(`started as container ${id.slice(0, 12)} of ${launch.program.image}`)
      return await withAddress(id, program, launch, signal)
    } catch (error) {
      // Never by its name alone: that may be somebody else's by now. Without an id, the sweeper knows it by its label.
      if (id === undefined) sweeper.wake()
      else await engine.remove(id).catch(sweeper.wake) // the first error is the reason
      throw error
    }
  }

  const attempt = async (name: string, launch: ImageLaunch, signal: AbortSignal): Promise<RunningProgram> => {
    try {
      return await launchContainer(name, launch, signal)
    } catch (error) {
      const reason = error instanceof CodedError ? error.message : 'The start was given up.'
      const redact = redactor(launch.secrets ?? [])
      const { append } = logOfSession(logOf(launch.instance), launch.session)
      for (const line of redact(reason).split('\n')) append('mcpd', line)
      throw error
    }
  }

  let closed: Promise<void> | undefined
  const close = async (): Promise<void> => {
    closing.abort(startFailed('mcpd is stopping.'))
    sweeper.stop()
    const ending = async () => {
      await Promise.allSettled(starting)
      await Promise.all([...active.values()].map(({ program }) => program?.stop({ graceMs: CLOSE_GRACE_MS })))
      await sweeper.sweep()
    }
    const ended = ending().catch((error: unknown) =>
      logger.warn({}, `containers may be left behind: ${messageOf(error)}`),
    )
    if (!(await settledWithin(ended, CLOSE_MS))) logger.warn({}, 'containers did not end in time, and may be left')
  }

  return {
    kind: 'docker',
    async start(launch, { signal }) {
      const { instance } = launch
      signal.throwIfAborted()
      if (closing.signal.aborted) throw startFailed(`${instance} was not started: mcpd is stopping.`)
      if (!isOfImage(launch)) throw startFailed(`${instance} has no image.`)
      const name = containerName(owner, launch)
      if (active.has(name)) throw startFailed(`${instance} runs already.`)
      active.set(name, { instance })
      const started = attempt(name, launch, AbortSignal.any([signal, closing.signal]))
      starting.add(started)
      try {
        const program = await started
        active.set(name, { instance, program })
        void program.exited.then(() => active.delete(name))
        return program
      } catch (error) {
        active.delete(name)
        throw error
      } finally {
        starting.delete(started)
      }
    },
    async usage(instance) {
      const ids = [...active.values()].flatMap(({ instance: of, program }) =>
        of === instance && program !== undefined ? [String(program.details.container)] : [],
      )
      const found = await Promise.all(ids.map((id) => engineNow().stats(id)))
      return together(found.flatMap((stats) => (stats === undefined ? [] : [usageOf(stats)])))
    },
    close() {
      closed ??= close()
      return closed
    },
  }
}

const isOfImage = (launch: Launch): launch is ImageLaunch => launch.program.kind === 'image'

const detailsOf = (id: string, { program, secrets }: ImageLaunch): JsonObject => {
  const { image, command, args } = program
  const line = [...(command === undefined ? [] : [command]), ...args].join(' ')
  return {
    runtime: 'docker',
    container: id.slice(0, 12),
    image,
    ...(line === '' ? {} : { command: redactor(secrets ?? [])(line).slice(0, MAX_COMMAND_LINE) }),
  }
}
