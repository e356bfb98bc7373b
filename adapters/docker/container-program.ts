import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import type { ContainerInspectInfo } from 'dockerode'
import { exitReason } from '../../domain/instance/exit-reason.ts'
import { type LineSplitter, lineSplitter } from '../../domain/instance/line-splitter.ts'
import { halfLine, MAX_LOGGED_LINE, programOutput } from '../../domain/instance/program-output.ts'
import {
  type Exit,
  type InstanceLogWriter,
  MAX_LINE_LENGTH,
  MAX_STDIN_BUFFER,
  type RunningProgram,
} from '../../domain/instance/runtime.ts'
import { messageOf } from '../../domain/kernel/errors.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { settledWithin } from '../../domain/kernel/settled-within.ts'
import type { Engine } from './engine.ts'
import { frameReader } from './frames.ts'

/** How long we read on after a container has ended. */
const OUTPUT_WAIT_MS = 1_000
/** How long a connection may be gone before that counts as its own end, and not as that of the container or the engine. */
const CONNECTION_WAIT_MS = 4_000
/** Time from SIGTERM to SIGKILL for a program that broke the rules of its output. */
const OFFENDER_GRACE_MS = 500
/** How long an engine may take to end and remove a container, beyond what its program has; it may hang itself. */
const ENGINE_WAIT_MS = 5_000

/**
 * Reads a program's output so that a flood of it does not keep the others from being read.
 * @param logged how many characters went to the log since the last call
 */
export type ReadFairly = (stream: Duplex, onChunk: (chunk: Buffer) => void, logged: () => number) => void

export interface ContainerProgramOptions {
  readonly engine: Engine
  readonly id: string
  /** What it prints, in frames, and its stdin. */
  readonly stream: Duplex
  /** Whether its stdin and stdout are messages; else they are its log. */
  readonly speaks: boolean
  readonly log: Pick<InstanceLogWriter, 'append'>
  readonly details: JsonObject
  readonly redact: (text: string) => string
  readonly readOnlyRoot: boolean
  readonly memoryBytes: number | undefined
  readonly readFairly: ReadFairly
  /** The engine was lost, or the container could not be removed: it may still be there. */
  readonly onLeft: () => void
  /** Bytes; tests make it small. */
  readonly maxLine?: number
}

export interface ContainerProgram extends RunningProgram {
  /** What stood last on stderr, without secrets; '' when nothing did. */
  lastErrors(): string
}

/** A started container as a program. */
export const containerProgram = (options: ContainerProgramOptions): ContainerProgram => {
  const { engine, id, stream, speaks, log, details, redact, maxLine = MAX_LINE_LENGTH } = options
  const output = programOutput(log, redact)
  const { write } = output
  const waiting = new AbortController()
  let because: string | undefined
  let messages: LineSplitter | undefined

  stream.on('error', () => {}) // EPIPE of a program that is ending, or the engine has gone: `exited` says why
  const closed = new Promise<void>((resolve) => {
    stream.once('end', resolve)
    stream.once('close', resolve)
  })
  const code = engine.exitCode(id, { signal: waiting.signal, closed })
  /** Settles when it does not run, as far as we can know. */
  const gone = code.then(
    () => undefined,
    (error: unknown) => {
      because ??= `The connection to the container was lost: ${messageOf(error)}`
    },
  )

  const end = async (graceMs: number): Promise<void> => {
    void engine.kill(id, 'SIGTERM').catch(() => {}) // what cannot be told to end is killed next
    if (await settledWithin(gone, graceMs)) return
    void engine.kill(id, 'SIGKILL').catch(() => {}) // the engine is away: `gone` settles with that, or is not waited for
    if (!(await settledWithin(gone, ENGINE_WAIT_MS))) waiting.abort()
  }
  const endWith = (reason: string) => {
    because ??= reason
    write('mcpd', reason)
    void end(OFFENDER_GRACE_MS)
  }

  /** Nothing is read until somebody listens, or until the program has ended without. */
  const read = (reading: Parameters<typeof lineSplitter>[0]): void => {
    const lines = lineSplitter(reading)
    messages = lines
    options.readFairly(stream, frameReader({ stdout: lines.push, stderr: output.stderr }), output.logged)
  }
  const toLog = (line: string) => write('stdout', line)
  const readToLog = () => read({ maxBytes: MAX_LOGGED_LINE, onLine: toLog, onTooLong: toLog })

  /** A program that speaks can answer nobody any more. That it closed its stdout is not to be seen: its init keeps that open. */
  const endIfMute = async () => {
    await closed
    if (!speaks || (await settledWithin(gone, CONNECTION_WAIT_MS))) return
    endWith('The program was ended: the engine gave up the connection to its stdin and stdout.')
  }
  if (!speaks) readToLog()

  const untilExit = async (): Promise<Exit> => {
    await gone
    waiting.abort()
    if (messages === undefined) readToLog()
    await settledWithin(closed, OUTPUT_WAIT_MS)
    stream.destroy()
    const half = messages?.end() ?? ''
    if (half !== '') write('stdout', halfLine(half))
    output.endStderr()
    const state = await engine.container(id).then(
      (found) => found?.State,
      () => undefined, // the engine is away: less is known
    )
    await engine.remove(id).catch(options.onLeft)
    const exit = exitOf(state, await code.catch(() => undefined))
    const reason = exitReason({ ...exit, because: because ?? why(state, exit), stderr: output.lastErrors() })
    write('mcpd', because === undefined ? (reason.split('\n', 1)[0] ?? reason) : 'The container has ended.')
    return {
      ...(exit.code === null ? {} : { code: exit.code }),
      ...(exit.signal === null ? {} : { signal: exit.signal }),
      reason,
    }
  }

  /** What the exit code alone does not say. */
  const why = (state: ContainerInspectInfo['State'] | undefined, { signal }: Ended): string | undefined => {
    const said = output.lastErrors()
    if (state?.OOMKilled === true && signal === 'SIGKILL')
      return withLines(
        `The program was ended because it used more memory than its limit${amount(options.memoryBytes)}.`,
        said,
      )
    if (options.readOnlyRoot && /read-only file system|EROFS/i.test(said))
      return withLines(
        'The program ended after it could not write a file: in its container only /tmp can be written. Let it write there, or set readOnlyRoot: false.',
        said,
      )
    return undefined
  }

  const exited = untilExit()
  void endIfMute()
  return {
    details,
    exited,
    lastErrors: output.lastErrors,
    send(message) {
      if (!speaks || stream.destroyed || stream.writableEnded || stream.writableLength > MAX_STDIN_BUFFER) return false
      stream.write(stream.writableLength === 0 ? `${message}\n` : Buffer.from(`${message}\n`))
      return true
    },
    onLine(listener, onLong) {
      if (messages !== undefined) return
      const tooLong = `The program was ended: it printed a line longer than ${maxLine} bytes on stdout.`
      read({ maxBytes: maxLine, onLine: listener, onLong, onTooLong: () => endWith(tooLong) })
    },
    log: write,
    async stop({ graceMs }) {
      because ??= 'The program was stopped.'
      if (speaks) stream.end()
      if (!speaks || !(await settledWithin(gone, graceMs / 2))) await end(graceMs / 2)
      await settledWithin(exited, ENGINE_WAIT_MS)
    },
  }
}

interface Ended {
  readonly code: number | null
  readonly signal: string | null
}

/** The engine tells a signal as 128 and its number. */
const exitOf = (state: ContainerInspectInfo['State'] | undefined, code: number | undefined): Ended => {
  const exit = code ?? state?.ExitCode ?? null
  const name = Object.entries(constants.signals).find(([, number]) => exit === 128 + number)?.[0]
  return name === undefined ? { code: exit, signal: null } : { code: null, signal: name }
}

const withLines = (reason: string, stderr: string): string =>
  stderr === '' ? reason : `${reason} Its last lines on stderr:\n${stderr}`

const amount = (bytes: number | undefined): string =>
  bytes === undefined ? '' : ` of ${Math.round(bytes / 1024 / 1024)} MiB`
