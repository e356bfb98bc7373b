import { coded } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'

/** What an instance runs. */
export type Program =
  | {
      readonly kind: 'package'
      /** npm package name, `@scope/name` or `name`; of PyPI with `runtime: 'python'`. */
      readonly packageName: string
      /** Default node. */
      readonly runtime?: 'node' | 'python'
      /** Exact version or a range, of semver or (PyPI) PEP 440; undefined is the newest when it is first installed, and that one from then on. */
      readonly version?: string
      readonly args: readonly string[]
      /** Whether install scripts of the package and its dependencies may run. */
      readonly allowScripts: boolean
    }
  | { readonly kind: 'command'; readonly command: string; readonly args: readonly string[] }
  | {
      readonly kind: 'image'
      /** `registry/name:tag` or `name@sha256:…`. */
      readonly image: string
      /** Instead of the image's own entrypoint. */
      readonly command?: string
      readonly args: readonly string[]
      /** For the image's registry. Secret. */
      readonly credentials?: { readonly username: string; readonly password: string }
      /** A network of the engine that the container joins. */
      readonly network?: string
      /** Default true: nothing but `/tmp` can be written. */
      readonly readOnlyRoot?: boolean
    }
  /** Runs elsewhere: nothing is started. */
  | { readonly kind: 'external'; readonly url: string }

/** What one instance may use; what is left out has no limit. */
export interface Limits {
  readonly memoryBytes?: number
  /** CPUs, 0.5 is half of one. */
  readonly cpus?: number
  readonly openFiles?: number
  readonly processes?: number
}

/** How an HTTP server is reached. */
export interface HttpAccess {
  readonly transport: 'STREAMABLE_HTTP' | 'SSE'
  /** Port that it listens on, where it runs; left out for one that runs elsewhere. */
  readonly port?: number
  /** Path of its endpoint at that port. */
  readonly path?: string
  /** Sent with every request, secrets resolved. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether requests may go to link-local addresses. */
  readonly allowLinkLocal: boolean
}

/** Sessions of their own for clients. */
export interface DedicatedSessions {
  readonly maxSessions: number
  readonly minIdle: number
  readonly idleTimeoutMs: number
}

/** Everything a runtime needs to start one copy of a server. Holds secret values: never logged, never stored. */
export interface Launch {
  /** Name of the instance, unique on this mcpd; also the name of its log. */
  readonly instance: string
  readonly server: string
  readonly program: Program
  /** The declared environment with secrets resolved; the runtime adds PATH and HOME and nothing else. */
  readonly env: Readonly<Record<string, string>>
  /** Values of `env` that came from secrets: replaced by `[redacted]` wherever the program prints them. */
  readonly secrets?: readonly string[]
  readonly limits?: Limits
  /** Left out for a server that speaks on stdin and stdout. */
  readonly http?: HttpAccess
  /** Left out where one connection serves all clients. */
  readonly dedicated?: DedicatedSessions
  /** One of several programs of the same instance, each for a client of its own; unique among them. They share a log. */
  readonly session?: string
}

/** How a program ended. Exactly one of `code` and `signal` is set, unless it never ran. */
export interface Exit {
  readonly code?: number
  readonly signal?: string
  /** One sentence for people, with the last lines of stderr where there are some. */
  readonly reason: string
}

/** What a stream knows of a line that it brings, beside its text. */
export interface LineFacts {
  /** Its JSON, where the stream has parsed it already; the listener's own from here on. */
  readonly parsed?: unknown
  /**
   * The stream's own answer to a request that found the server not to know the session any more: it did not run. The
   * stream ends now. A server that writes the same in an answer of its own does not get this.
   */
  readonly forgotten?: true
}

/**
 * Two-way stream of JSON-RPC messages with one server: a program's stdin and stdout, one message a line, or a session
 * over HTTP.
 */
export interface MessageStream {
  /**
   * Sends one message. Answers false when more than `MAX_STDIN_BUFFER` bytes wait: the server does not read; the caller
   * fails the call instead of waiting.
   */
  send(message: string): boolean
  /**
   * Called with each whole message, without its newline. One listener; set once, before anything is sent.
   * @param onLong takes long messages instead, as the bytes they came in; a stream may bring them as lines all the same
   */
  onLine(listener: (line: string, facts?: LineFacts) => void, onLong?: (line: Buffer) => void): void
  /** Adds a line to the instance's log: what stood on stdout and was no message, or what the supervisor has to say. */
  log(source: 'stdout' | 'mcpd', line: string): void
  /** Settles when the program and its output, or the session, have ended; never rejects. */
  readonly exited: Promise<Exit>
  /**
   * Ends it. Of a program: closes stdin, then SIGTERM to the process group after `graceMs / 2`, SIGKILL after `graceMs`.
   * Resolves when nothing of it is left.
   */
  stop(options: { graceMs: number }): Promise<void>
}

/** Where a port can be reached from here. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** A running program. One that serves HTTP has its messages at `address`, and what it prints is its log. */
export interface RunningProgram extends MessageStream {
  /** For `describe`: pid, command line without values, installed version. No secrets. */
  readonly details: JsonObject
  /** Of the port of its launch. */
  readonly address?: Address
}

/** What the programs of one instance use at a moment, with all that they have started. */
export interface Usage {
  /** CPU time since they began, in milliseconds. It falls when one of them has ended. */
  readonly cpuMs: number
  /** Memory of their own; what several of them share is counted once where the system tells. */
  readonly memoryBytes: number
  readonly processes: number
}

/** One way of running programs: processes here, containers and pods elsewhere. */
export interface Runtime {
  readonly kind: 'process' | 'docker' | 'kubernetes'
  /**
   * Prepares what the program needs (installs its package once) and starts it. Resolves as soon as it runs, which says
   * nothing yet about whether it speaks MCP.
   * @throws StartFailed with a reason for people; aborts with `signal`.
   */
  start(launch: Launch, options: { signal: AbortSignal }): Promise<RunningProgram>
  /**
   * What an instance with all its sessions uses now; undefined when nothing of it runs here, or the system does not tell.
   * Left out by a runtime that cannot know.
   */
  usage?(instance: string): Promise<Usage | undefined>
  /** Stops everything this runtime has started and frees its handles. */
  close(): Promise<void>
}

/** One line of an instance's log. */
export interface LogLine {
  /** ISO 8601 in UTC. */
  readonly at: string
  readonly source: 'stderr' | 'stdout' | 'mcpd'
  readonly line: string
}

export interface ReadLogOptions {
  /** The newest this many lines; default all that is kept. */
  readonly tail?: number
  /** Only lines at or after this time, ISO 8601. */
  readonly since?: string
  /** The run before the last start instead of the present one. */
  readonly previous?: boolean
  /** Go on with new lines until `signal` aborts. */
  readonly follow?: boolean
  /** Called once, when all that was kept has been yielded and new lines are waited for. */
  readonly onCaughtUp?: () => void
  readonly signal?: AbortSignal
}

/** The bounded, rotated logs of instances. */
export interface InstanceLogs {
  /** Yields lines, oldest first. An instance without a log yields nothing. */
  read(instance: string, options?: ReadLogOptions): AsyncIterable<LogLine>
  /** Removes an instance's log for good. */
  remove(instance: string): Promise<void>
}

/** Writes the log of one instance. Lines are taken at once and never waited for. */
export interface InstanceLogWriter {
  /** @param clean takes secrets out of a line that is kept; one for which there is no room costs nothing more */
  append(source: LogLine['source'], line: string, clean?: (line: string) => string): void
  /**
   * What comes from now on belongs to a new run; the one before stays readable as `previous`. Sessions of an instance
   * share a run: for one of them a run begins only where none has since mcpd began.
   * @returns whether one began
   */
  startRun(session?: string): Promise<boolean>
}

/** The log as one session of an instance writes it: its lines say whose they are. */
export const logOfSession = (log: InstanceLogWriter, session: string | undefined): Pick<InstanceLogWriter, 'append'> =>
  session === undefined ? log : { append: (source, line, clean) => log.append(source, `[${session}] ${line}`, clean) }

/** 422: the instance could not be started; `message` is the reason that `describe` shows. */
export const startFailed = coded(
  'instance-start-failed',
  422,
  'A server could not be started',
  (reason: string, hint?: string, exit?: Pick<Exit, 'code' | 'signal'>) => ({
    message: reason,
    ...(hint === undefined ? {} : { hint }),
    // The program ran, and ended before it served: as often as it is tried, that is a crash loop.
    ...((exit?.code ?? exit?.signal) === undefined ? {} : { exited: true }),
  }),
)

/** Most bytes that wait for a program's stdin before it counts as not reading. */
export const MAX_STDIN_BUFFER = 8 * 1024 * 1024
/** Longest line accepted from a program's stdout, in bytes; a longer one ends the program with that reason. */
export const MAX_LINE_LENGTH = 64 * 1024 * 1024
