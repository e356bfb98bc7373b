import type { OpenHttpStream } from '../../domain/instance/http-stream.ts'
import {
  type DedicatedSessions,
  type Exit,
  type Launch,
  type MessageStream,
  type RunningProgram,
  type Runtime,
  startFailed,
} from '../../domain/instance/runtime.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import type { Logger } from '../../domain/kernel/logger.ts'
import { CopyUpstream, type Dedicated } from './copy-upstream.ts'
import { openSharedUpstream } from './handshake.ts'
import { SessionPool } from './session-pool.ts'
import type { SharedUpstream } from './shared-upstream.ts'
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

/** A session over HTTP that ends sooner than this, in ms, is not begun anew at once: the copy counts as ended. */
const MIN_SESSION_MS = 2_000
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
  const { runtime, stopGraceMs, logger, version, initializeTimeoutMs } = options
  const { instance, server, http, dedicated } = launch
  const program = launch.program.kind === 'external' ? undefined : await runtime.start(launch, { signal })
  const closing = new AbortController()
  const opened = new Set<MessageStream>()
  const stopStreams = async (): Promise<void> => {
    closing.abort()
    await Promise.all([...opened, program].map((each) => each?.stop({ graceMs: stopGraceMs })))
  }

  /** mcpd's own connection, over the program's stdin and stdout or a session over HTTP. */
  const connect = async (whileOpening: AbortSignal): Promise<{ stream: MessageStream; own: SharedUpstream }> => {
    const stream = openStream(launch, program, options, whileOpening)
    if (stream !== program) {
      opened.add(stream)
      void stream.exited.then(() => opened.delete(stream))
    }
    const shaking = { instance, server, logger, version, signal: whileOpening, timeoutMs: initializeTimeoutMs, redact }
    return { stream, own: await openSharedUpstream(stream, shaking) }
  }

  const sessionsOfClients = (sessions: DedicatedSessions): Dedicated => ({
    pool: new SessionPool({
      ...sessions,
      names: { instance, server },
      logger,
      stopGraceMs,
      open: async (session, whileOpening) =>
        http === undefined
          ? runtime.start({ ...launch, session }, { signal: whileOpening })
          : openStream(launch, program, options, undefined),
    }),
    logger,
    redact,
    initializeTimeoutMs,
    idleTimeoutMs: sessions.idleTimeoutMs,
  })

  /** A session over HTTP that the server has forgotten is begun anew, at once: nothing else is wrong with the copy. */
  const untilExit = async (first: MessageStream, upstream: Upstream): Promise<Exit> => {
    let programEnded = false
    void program?.exited.then(() => {
      programEnded = true
    })
    for (let stream = first; ; ) {
      const began = performance.now()
      const exit = await Promise.race([stream.exited, ...(program === undefined ? [] : [program.exited])])
      const short = performance.now() - began < MIN_SESSION_MS
      if (!(upstream instanceof CopyUpstream) || programEnded || closing.signal.aborted || short) return exit
      try {
        const renewed = await connect(closing.signal)
        upstream.renew(renewed.own, exit.reason)
        stream = renewed.stream
        logger.info({ instance, server, reason: exit.reason }, 'the session with a server was begun anew')
      } catch (error) {
        logger.debug({ instance, server, err: error }, 'the session with a server could not be begun anew')
        return exit
      }
    }
  }

  try {
    const { stream, own } = await connect(signal)
    const clients = dedicated === undefined ? undefined : sessionsOfClients(dedicated)
    const upstream = http === undefined && clients === undefined ? own : new CopyUpstream(own, clients)
    return {
      upstream,
      details: {
        ...(program?.details ?? { runtime: 'external' }),
        ...(http === undefined ? {} : { url: endpointOf(launch, program).href }),
      },
      exited: untilExit(stream, upstream),
      async stop() {
        await Promise.all([clients?.pool.close(), stopStreams()])
      },
    }
  } catch (error) {
    await stopStreams()
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
