import type { OpenHttpStream } from '../../domain/instance/http-stream.ts'
import {
  type Exit,
  type Launch,
  type MessageStream,
  type RunningProgram,
  type Runtime,
  startFailed,
} from '../../domain/instance/runtime.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { DedicatedUpstream } from './dedicated-upstream.ts'
import { openSharedUpstream } from './handshake.ts'
import { SessionPool } from './session-pool.ts'
import type { Upstream } from './upstream.ts'

export interface CopyOptions {
  readonly runtime: Runtime
  readonly openHttp: OpenHttpStream
  readonly logger: Logger
  /** mcpctl's own version, for `clientInfo`. */
  readonly version: string
  readonly initializeTimeoutMs?: number
  readonly stopGraceMs: number
  /** Adds a line to the log of an instance that has no program here. */
  readonly log: (instance: string, source: 'mcpd', line: string) => void
}

/** How long a program that was just started may take until it listens. */
const STARTUP_MS = 30_000

/** One running copy of a server, or a server elsewhere, initialised. */
export interface Copy {
  readonly upstream: Upstream
  /** For `describe`. */
  readonly details: JsonObject
  /** Settles when the program, or mcpd's own session with it, has ended; never rejects. */
  readonly exited: Promise<Exit>
  /** Resolves when nothing of it is left. */
  stop(): Promise<void>
}

/**
 * Starts the program of a launch, if it has one, and initialises MCP with it.
 * @throws StartFailed; nothing is left running then
 */
export const openCopy = async (
  launch: Launch,
  options: CopyOptions,
  signal: AbortSignal,
  redact: (text: string) => string,
): Promise<Copy> => {
  const { runtime, stopGraceMs, logger } = options
  const { instance, server } = launch
  const program = launch.program.kind === 'external' ? undefined : await runtime.start(launch, { signal })
  const opened: MessageStream[] = []
  const end = async (): Promise<void> => {
    await Promise.all([...opened, program].map((each) => each?.stop({ graceMs: stopGraceMs })))
  }
  try {
    const stream = openStream(launch, program, options, signal)
    if (stream !== program) opened.push(stream)
    const timeout = options.initializeTimeoutMs === undefined ? {} : { timeoutMs: options.initializeTimeoutMs }
    const shared = await openSharedUpstream(stream, { ...options, instance, server, signal, redact, ...timeout })
    const { http, dedicated } = launch
    const names = { instance, server }
    const open = async (session: string, whileOpening: AbortSignal): Promise<MessageStream> =>
      http === undefined
        ? runtime.start({ ...launch, session }, { signal: whileOpening })
        : openStream(launch, program, options, undefined)
    const upstream =
      dedicated === undefined
        ? shared
        : new DedicatedUpstream(shared, new SessionPool({ ...dedicated, names, logger, open, stopGraceMs }), {
            logger,
            redact,
            idleTimeoutMs: dedicated.idleTimeoutMs,
            ...(options.initializeTimeoutMs === undefined ? {} : { initializeTimeoutMs: options.initializeTimeoutMs }),
          })
    return {
      upstream,
      details: {
        ...(program?.details ?? { runtime: 'external' }),
        ...(http === undefined ? {} : { url: endpointOf(launch, program).href }),
      },
      exited: Promise.race([stream.exited, ...(program === undefined ? [] : [program.exited])]),
      async stop() {
        await Promise.all([upstream.close(), end()])
      },
    }
  } catch (error) {
    await end()
    throw error
  }
}

/** mcpd's own stream to a server, or another session with it over HTTP. */
const openStream = (
  launch: Launch,
  program: RunningProgram | undefined,
  { openHttp, log }: CopyOptions,
  signal: AbortSignal | undefined,
): MessageStream => {
  const { http, instance } = launch
  if (http === undefined) {
    if (program === undefined) throw startFailed('a server at a URL speaks HTTP: its transport must say so')
    return program
  }
  const { transport, headers, allowLinkLocal } = http
  return openHttp({
    url: endpointOf(launch, program),
    transport,
    headers,
    allowLinkLocal,
    log: (source, line) => (program === undefined ? log(instance, source, line) : program.log(source, line)),
    ...(program === undefined ? {} : { startupMs: STARTUP_MS }),
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Where a server's HTTP endpoint is. @throws StartFailed when its runtime does not say */
const endpointOf = ({ program: what, http }: Launch, program: RunningProgram | undefined): URL => {
  if (what.kind === 'external') return new URL(what.url)
  const { address } = program ?? {}
  if (address === undefined) throw startFailed('this runtime runs no servers that speak HTTP')
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return new URL(http?.path ?? '/', `http://${host}:${address.port}`)
}
