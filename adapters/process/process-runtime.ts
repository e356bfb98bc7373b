import { mkdir, readdir, realpath, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import {
  type InstanceLogs,
  type InstanceLogWriter,
  type Launch,
  logOfSession,
  type Runtime,
  startFailed,
} from '../../domain/instance/runtime.ts'
import { CodedError, codeOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { redactor } from '../../domain/secret/redact.ts'
import { showBytes } from '../../domain/server/limits.ts'
import { isInstanceName, openInstanceLogs } from './instance-logs.ts'
import { silent } from './logger.ts'
import { assertPortFree, portOpened, portTaken } from './own-port.ts'
import { openPackageStore } from './package-store.ts'
import { openProcessGroups } from './process-groups.ts'
import { type ProcessProgram, runningProgram } from './running-program.ts'
import { preparationFailed, spawnFailed } from './spawn-failure.ts'
import { usageReader } from './usage.ts'

/** Time that programs have to end when the runtime closes. */
const CLOSE_GRACE_MS = 4_000
const MAX_COMMAND_LINE = 1_000
/** Time to end for a program whose port never opened. */
const NOT_OPENED_GRACE_MS = 2_000
/** An empty PATH would mean the working folder. */
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

export interface ProcessRuntimeOptions {
  /** mcpd's data folder, which its lock guards; this runtime makes `packages`, `run`, `work` and `logs` in it. */
  readonly dataFolder: string
  readonly logger?: Logger
  /** Milliseconds since the epoch, for the times in logs. */
  readonly now?: () => number
  /** mcpd's own environment: PATH and HOME for programs, configuration for npm. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly installDeadlineMs?: number
  /** Longest line of stdout, in bytes. */
  readonly maxLine?: number
  /** Whether programs get cgroups of their own, where the system has them. Default true. */
  readonly cgroups?: boolean
  /** How long the port of an HTTP server may take to open. */
  readonly portDeadlineMs?: number
}

export interface ProcessRuntime extends Runtime {
  start(launch: Launch, options: { signal: AbortSignal }): Promise<ProcessProgram>
  /** Of all instances, also of those that another runtime runs. */
  readonly logs: InstanceLogs & { of(instance: string): InstanceLogWriter }
  /** Instances of which there was a log or a working folder when this runtime was opened. */
  readonly found: readonly string[]
  /** The process that ends all programs when mcpd dies; undefined before the first start and while it is being replaced. */
  readonly watcherPid: number | undefined
}

const foldersIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** What there is one of: an instance, or one session of it. No name of an instance has a slash. */
const keyOf = ({ instance, session }: Launch): string => (session === undefined ? instance : `${instance}/${session}`)

const isSession = (session: string | undefined): boolean =>
  session === undefined || /^[A-Za-z0-9_-]{1,64}$/.test(session)

/** What an instance runs: its program, or the programs of its sessions. */
const pidsOf = (running: ReadonlyMap<string, ProcessProgram>, instance: string): readonly number[] =>
  [...running].flatMap(([key, { details }]) =>
    (key === instance || key.startsWith(`${instance}/`)) && typeof details.pid === 'number' ? [details.pid] : [],
  )

interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly details: JsonObject
}

/**
 * Runs servers as child processes. Opening it ends what a killed mcpd left running, before anything is started.
 *
 * @example
 * const runtime = await openProcessRuntime({ dataFolder, logger })
 * const program = await runtime.start(launch, { signal })
 * program.onLine((line) => …)
 * program.send('{"jsonrpc":"2.0","id":1,"method":"ping"}')
 */
export const openProcessRuntime = async (options: ProcessRuntimeOptions): Promise<ProcessRuntime> => {
  const { logger = silent, environment = process.env, installDeadlineMs, maxLine, now, portDeadlineMs } = options
  await mkdir(options.dataFolder, { recursive: true, mode: 0o700 })
  const dataFolder = await realpath(options.dataFolder)
  const groups = await openProcessGroups({
    folder: join(dataFolder, 'run'),
    logger,
    ...(options.cgroups === undefined ? {} : { cgroups: options.cgroups }),
  })
  const store = await openPackageStore({
    folder: join(dataFolder, 'packages'),
    groups,
    environment,
    ...(installDeadlineMs === undefined ? {} : { deadlineMs: installDeadlineMs }),
  })
  const logs = openInstanceLogs({ folder: join(dataFolder, 'logs'), logger, ...(now === undefined ? {} : { now }) })
  const found = [...(await foldersIn(join(dataFolder, 'work'))), ...(await foldersIn(join(dataFolder, 'logs')))]
  const starting = new Map<string, Promise<ProcessProgram>>()
  const running = new Map<string, ProcessProgram>()
  /** Ports of HTTP servers that run, and whose they are. */
  const ports = new Map<number, string>()
  const usageOf = usageReader()
  const closing = new AbortController()

  const resolveProgram = async ({ program }: Launch, signal: AbortSignal): Promise<Command> => {
    if (program.kind === 'command') {
      const { command, args } = program
      if (command === '' || [command, ...args].some((text) => text.includes('\0')))
        throw startFailed('The command is empty, or it or an argument contains a NUL character.')
      return { command, args, details: {} }
    }
    if (program.kind !== 'package')
      throw program.kind === 'image'
        ? startFailed('This mcpd runs no containers.', 'Use packageName or command')
        : startFailed('A server at a URL is not started here.')
    const { packageName, runtime, version, allowScripts } = program
    const found = await store.program({ packageName, runtime, version, allowScripts }, { signal })
    return {
      command: found.command,
      args: [...found.args, ...program.args],
      details: { package: packageName, version: found.version },
    }
  }

  const launchProgram = async (launch: Launch, signal: AbortSignal): Promise<ProcessProgram> => {
    const { instance, http } = launch
    const port = http?.port
    const redact = redactor(launch.secrets ?? [])
    const whole = logs.of(instance)
    const log = logOfSession(whole, launch.session)
    let leavePort = () => {}
    try {
      const begins = await whole.startRun(launch.session)
      const { command, args, details } = await resolveProgram(launch, signal)
      const cwd = join(dataFolder, 'work', instance)
      await mkdir(cwd, { recursive: true, mode: 0o700 })
      if (port !== undefined) {
        leavePort = takePort(port, instance)
        await assertPortFree(port)
      }
      signal.throwIfAborted()
      const { PATH = DEFAULT_PATH, HOME = homedir() } = environment
      const env = { PATH, HOME, ...launch.env }
      const label = keyOf(launch).replace('/', '_')
      const confined = { label, ...(launch.limits === undefined ? {} : { limits: launch.limits }) }
      const group = await groups
        .spawn(command, args, { cwd, env, stdin: 'pipe', ...confined })
        .catch((error: unknown) => {
          throw spawnFailed(command, error, env.PATH)
        })
      const { limitsNotKept } = group
      if (begins) for (const each of limitsNotKept) log.append('mcpd', `a limit is not kept: ${each}`)
      const commandLine = redact([command, ...args].join(' ')).slice(0, MAX_COMMAND_LINE)
      const all = {
        runtime: 'process',
        pid: group.pid,
        command: commandLine,
        ...details,
        ...(limitsNotKept.length === 0 ? {} : { limitsNotKept }),
      }
      log.append('mcpd', `started as process ${group.pid}: ${commandLine}`)
      const memoryBytes = launch.limits?.memoryBytes
      const memoryLimit = memoryBytes === undefined ? undefined : showBytes(memoryBytes)
      const stdout = http === undefined ? 'messages' : 'log'
      const limit = maxLine === undefined ? {} : { maxLine }
      const program = runningProgram({ group, log, details: all, redact, stdout, memoryLimit, ...limit })
      void program.exited.then(leavePort)
      return port === undefined ? program : await serving(program, port, signal)
    } catch (error) {
      const failure = preparationFailed(instance, error)
      const reason = failure instanceof CodedError ? failure.message : 'The start was given up.'
      for (const line of redact(reason).split('\n')) log.append('mcpd', line)
      leavePort()
      throw failure
    }
  }

  /** Keeps a port for an instance. @returns lets go of it @throws startFailed when another one of ours has it */
  const takePort = (port: number, instance: string): (() => void) => {
    const holder = ports.get(port)
    if (holder !== undefined) throw portTaken(port, holder)
    ports.set(port, instance)
    return () => {
      ports.delete(port)
    }
  }

  const serving = async (program: ProcessProgram, port: number, signal: AbortSignal): Promise<ProcessProgram> => {
    const { exited, lastErrors } = program
    const deadline = portDeadlineMs === undefined ? {} : { deadlineMs: portDeadlineMs }
    try {
      const address = await portOpened({ port, exited, lastErrors, signal, ...deadline })
      return { ...program, address }
    } catch (error) {
      await program.stop({ graceMs: NOT_OPENED_GRACE_MS })
      throw error
    }
  }

  const start: ProcessRuntime['start'] = async (launch, { signal }) => {
    const { instance, session } = launch
    signal.throwIfAborted()
    if (closing.signal.aborted) throw startFailed(`${instance} was not started: mcpd is stopping.`)
    if (!isInstanceName(instance)) throw startFailed(`${JSON.stringify(instance)} is not a name for an instance.`)
    if (!isSession(session)) throw startFailed(`${JSON.stringify(session)} is not a name for a session.`)
    const key = keyOf(launch)
    if (running.has(key) || starting.has(key)) throw startFailed(`${key} runs already.`)
    const attempt = launchProgram(launch, AbortSignal.any([signal, closing.signal]))
    starting.set(key, attempt)
    try {
      const program = await attempt
      running.set(key, program)
      void program.exited.then(() => running.delete(key))
      return program
    } finally {
      starting.delete(key)
    }
  }

  return {
    kind: 'process',
    found: [...new Set(found.filter(isInstanceName))],
    logs: {
      of: logs.of,
      read: logs.read,
      async remove(instance) {
        await logs.remove(instance)
        if (isInstanceName(instance)) await rm(join(dataFolder, 'work', instance), { recursive: true, force: true })
      },
    },
    get watcherPid() {
      return groups.watcherPid
    },
    start,
    usage: (instance) => usageOf(pidsOf(running, instance)),
    async close() {
      closing.abort(startFailed('mcpd is stopping.'))
      await store.close()
      await Promise.allSettled(starting.values())
      await Promise.all([...running.values()].map((program) => program.stop({ graceMs: CLOSE_GRACE_MS })))
      await groups.close(CLOSE_GRACE_MS)
      await logs.close()
    },
  }
}
