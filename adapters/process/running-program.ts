import { exitReason, withoutOutput } from '../../domain/instance/exit-reason.ts'
import { type LineSplitter, lineSplitter } from '../../domain/instance/line-splitter.ts'
import { halfLine, MAX_LOGGED_LINE, programOutput } from '../../domain/instance/program-output.ts'
import { type Exit, MAX_LINE_LENGTH, MAX_STDIN_BUFFER, type RunningProgram } from '../../domain/instance/runtime.ts'
import type { JsonObject } from '../../domain/kernel/json.ts'
import { settledWithin } from '../../domain/kernel/settled-within.ts'
import { readFairly } from './fair-reading.ts'
import type { InstanceLog } from './instance-log.ts'
import type { Group } from './process-groups.ts'

/** How long we read on after a program and its group have gone: what left the group may hold the pipes open for ever. */
const OUTPUT_WAIT_MS = 1_000
/** Time from SIGTERM to SIGKILL for a program that broke the rules of its output. */
const OFFENDER_GRACE_MS = 500

export interface ProcessProgram extends RunningProgram {
  /** Takes the secret values of this program's environment out of a text, before it is shown or stored. */
  redact(text: string): string
  /** The last lines of its stderr, '' when there were none. */
  lastErrors(): string
}

export interface ProgramOptions {
  readonly group: Group
  readonly log: Pick<InstanceLog, 'append'>
  /** `log`: stdout is for people, as stderr is; the program serves its messages elsewhere. */
  readonly stdout: 'messages' | 'log'
  readonly details: JsonObject
  /** Its limit as people write it, `512Mi`; undefined when it has none. */
  readonly memoryLimit?: string | undefined
  readonly redact: (text: string) => string
  /** Bytes; tests make it small. */
  readonly maxLine?: number
}

/** A started process group as a program that speaks one message a line, or prints its log. */
export const runningProgram = (options: ProgramOptions): ProcessProgram => {
  const { group, log, details, redact, maxLine = MAX_LINE_LENGTH } = options
  const { stdin, stdout, stderr } = group.child
  if (stdin === null || stdout === null || stderr === null) throw new Error('A program needs stdin, stdout and stderr')
  const output = programOutput(log, redact)
  const { write } = output
  let because: string | undefined
  let listening = false

  const finished = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    group.child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const left = new Promise<void>((resolve) => group.child.once('exit', () => resolve()))

  readFairly(stderr, output.stderr, output.logged)

  const print = (line: string) => write('stdout', line)
  const printed =
    options.stdout === 'log' ? lineSplitter({ maxBytes: MAX_LOGGED_LINE, onLine: print, onTooLong: print }) : undefined
  if (printed !== undefined) {
    listening = true
    readFairly(stdout, printed.push, output.logged)
  }

  const endWith = (reason: string) => {
    because ??= reason
    write('mcpd', reason)
    void group.end(OFFENDER_GRACE_MS)
  }

  /** The end of stdout is the end of the program, or soon before it; a program that goes on without can answer nobody. */
  const endIfMute = async () => {
    if (await settledWithin(left, OUTPUT_WAIT_MS)) return
    endWith('The program was ended: it closed its stdout and went on running.')
  }

  /** Nothing is read from stdout until somebody listens, or until the program has ended without. */
  const readLines = (onLine: (line: string) => void, onLong?: (line: Buffer) => void): LineSplitter => {
    listening = true
    const lines = lineSplitter({
      maxBytes: maxLine,
      onLine,
      onLong,
      onTooLong: () => endWith(`The program was ended: it printed a line longer than ${maxLine} bytes on stdout.`),
    })
    readFairly(stdout, lines.push, output.logged)
    stdout.on('end', () => {
      const half = lines.end()
      if (half !== '') write('stdout', halfLine(half))
      void endIfMute()
    })
    return lines
  }

  stdin.on('error', () => {}) // EPIPE of a program that is ending: `exited` says why
  // In the event itself: right after it, node throws away what nobody reads.
  group.child.once('exit', () => {
    if (!listening) readLines((line) => write('stdout', line))
  })

  const untilExit = async (): Promise<Exit> => {
    await group.gone
    if (!(await settledWithin(finished, OUTPUT_WAIT_MS))) for (const stream of [stdin, stdout, stderr]) stream.destroy()
    const { code, signal } = await finished
    if (group.outOfMemory())
      because ??= `The program was ended because it used more than its limit of ${options.memoryLimit} of memory.`
    output.endStderr()
    const restPrinted = printed?.end() ?? ''
    if (restPrinted !== '') print(restPrinted)
    const reason = exitReason({ code, signal, because, stderr: output.lastErrors() })
    write('mcpd', because === undefined ? withoutOutput(reason) : 'The program has ended.')
    return { ...(code === null ? {} : { code }), ...(signal === null ? {} : { signal }), reason }
  }
  const exited = untilExit()

  return {
    details,
    exited,
    redact,
    lastErrors: output.lastErrors,
    send(message) {
      if (stdin.destroyed || stdin.writableEnded || stdin.writableLength > MAX_STDIN_BUFFER) return false
      // As text it goes to the kernel at once and without a copy; what has to wait is counted in bytes.
      stdin.write(stdin.writableLength === 0 ? `${message}\n` : Buffer.from(`${message}\n`))
      return true
    },
    onLine(listener, onLong) {
      if (!listening) readLines(listener, onLong)
    },
    log: write,
    async stop({ graceMs }) {
      because ??= 'The program was stopped.'
      stdin.end()
      // The end of its input means nothing to a program that reads none.
      if (printed !== undefined) await group.end(graceMs)
      else if (!(await settledWithin(group.gone, graceMs / 2))) await group.end(graceMs / 2)
      await settledWithin(exited, 2 * OUTPUT_WAIT_MS)
    },
  }
}
